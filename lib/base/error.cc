#include "lib/base/error.h"

#include <algorithm>
#include <utility>

namespace resnet {

namespace {

std::string text_of(const std::vector<Frame>& where, const std::string& problem, bool with_file) {
  std::string text;
  for (const Frame& frame : where) {
    if (!frame.name.empty() && (with_file || frame.kind != Frame::Kind::file)) text += frame.name + ": ";
  }
  return text + problem;
}

}  // namespace

Error::Error(Fault fault, std::string problem) : fault_(fault), problem_(std::move(problem)), text_(problem_) {}

Error::Error(Fault fault, Frame where, std::string problem) : Error(fault, std::move(problem)) { in(std::move(where)); }

Error& Error::in(Frame frame) {
  const auto same = std::find_if(where_.begin(), where_.end(), [&](const Frame& f) { return f.kind == frame.kind; });
  if (same == where_.end() || frame.kind == Frame::Kind::call) {
    where_.insert(where_.begin(), std::move(frame));
  } else if (same->name.empty()) {
    // It takes the place at which it is named.
    Frame named = std::move(*same);
    named.name = std::move(frame.name);
    where_.erase(same);
    where_.insert(where_.begin(), std::move(named));
  } else {
    return *this;
  }
  text_ = text_of(where_, problem_, true);
  return *this;
}

Role Error::role() const {
  const Frame* file = find(Frame::Kind::file);
  return file == nullptr ? Role::none : file->role;
}

const Frame* Error::find(Frame::Kind kind) const {
  const auto found = std::find_if(where_.rbegin(), where_.rend(), [kind](const Frame& frame) { return frame.kind == kind; });
  return found == where_.rend() ? nullptr : &*found;
}

std::string Error::without_file() const { return text_of(where_, problem_, false); }

}  // namespace resnet
