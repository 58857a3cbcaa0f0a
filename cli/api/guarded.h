// The library's own errors as the public one.
#pragma once

#include <new>
#include <string>

#include "lib/base/error.h"
#include "resnet/error.h"

namespace resnet::v0 {

inline Fault fault_of(const ::resnet::Error& error) {
  using Inner = ::resnet::Fault;
  switch (error.fault()) {
    case Inner::invalid: return Fault::invalid_argument;
    case Inner::unsupported: return error.role() == Role::input ? Fault::invalid_input : Fault::unsupported;
    case Inner::exhausted: return Fault::unsupported;
    case Inner::failed:
    case Inner::unwritable:
    case Inner::interrupted:
    case Inner::internal: return Fault::internal;
    case Inner::malformed:
    case Inner::mismatch:
    case Inner::unreadable: break;
  }
  if (error.role() == Role::input) return Fault::invalid_input;
  return error.role() == Role::argument ? Fault::invalid_argument : Fault::invalid_model;
}

// What `work` gives; whatever it throws comes out as the public Error.
template <typename Work>
auto guarded(const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const ::resnet::Error& error) {
    throw Error(fault_of(error), error.what());
  } catch (const std::bad_alloc&) {
    throw Error(Fault::unsupported, "not enough memory");
  } catch (const std::exception& error) {
    throw Error(Fault::internal, std::string("internal error: ") + error.what());
  }
}

}  // namespace resnet::v0
