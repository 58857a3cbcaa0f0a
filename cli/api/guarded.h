// The library's own errors as the public one.
#pragma once

#include <new>
#include <string>

#include "lib/base/error.h"
#include "resnet/error.h"

namespace resnet::v0 {

inline Fault fault_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return Fault::invalid_argument;
    case ErrorKind::invalid_model: return Fault::invalid_model;
    case ErrorKind::unsupported: return Fault::unsupported;
    case ErrorKind::bad_input: return Fault::invalid_input;
    case ErrorKind::check_failed:
    case ErrorKind::output:
    case ErrorKind::interrupted:
    case ErrorKind::internal: return Fault::internal;
  }
  __builtin_unreachable();
}

// What `work` gives; whatever it throws comes out as the public Error.
template <typename Work>
auto guarded(const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const ::resnet::Error& error) {
    throw Error(fault_of(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    throw Error(Fault::unsupported, "not enough memory");
  } catch (const std::exception& error) {
    throw Error(Fault::internal, std::string("internal error: ") + error.what());
  }
}

}  // namespace resnet::v0
