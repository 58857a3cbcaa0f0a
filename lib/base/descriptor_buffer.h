// What a std::ostream writes, to an open file. Unlike std::filebuf it takes a descriptor and keeps why a write failed.
#pragma once

#include <streambuf>
#include <vector>

namespace resnet {

class DescriptorBuffer : public std::streambuf {
 public:
  DescriptorBuffer() = default;
  // The descriptor stays the caller's.
  void set_descriptor(int descriptor) { descriptor_ = descriptor; }
  // The errno of the first write that failed, 0 where none did.
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* bytes, std::streamsize count) override;
  int sync() override;
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode which) override;
  pos_type seekpos(pos_type position, std::ios_base::openmode which) override;

 private:
  bool write(const char* bytes, std::size_t count);

  int descriptor_ = -1, error_ = 0;
  std::vector<char> pending_;
};

}  // namespace resnet
