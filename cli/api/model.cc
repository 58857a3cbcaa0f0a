#include "resnet/model.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "cli/api/data.h"
#include "cli/api/guarded.h"
#include "cli/tasks/open/built_in.h"
#include "cli/tasks/open/model.h"
#include "formats/native/native.h"
#include "formats/onnx/read.h"
#include "lib/analysis/cost.h"

namespace resnet::v0 {

namespace {

std::shared_ptr<const Model::Data> describe(std::string name, ::resnet::Model model, std::vector<std::string> notes) {
  const auto data = std::make_shared<Model::Data>();
  try {
    const analysis::Cost cost = analysis::total(analysis::costs_of(analysis::at_batch(model.graph, 1)));
    data->parameters = static_cast<std::uint64_t>(cost.parameters);
    data->multiply_adds = static_cast<std::uint64_t>(cost.macs);
  } catch (const ::resnet::Error&) {
    // A size is open that the network does not fix.
  }
  data->name = std::move(name);
  data->model = std::move(model);
  data->notes = std::move(notes);
  return data;
}

// A .resnet file is used as it is mapped: bytes in memory become a file without a name.
::resnet::Model read_native(std::span<const std::byte> bytes, const std::string& name) {
  const int file = memfd_create("resnet", MFD_CLOEXEC);
  const auto close_file = [file] { close(file); };
  std::size_t written = 0;
  while (file >= 0 && written < bytes.size()) {
    const ssize_t count = write(file, bytes.data() + written, bytes.size() - written);
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (file < 0 || written < bytes.size()) {
    if (file >= 0) close_file();
    throw Error(Fault::unsupported, name + ": not enough memory");
  }
  try {
    ::resnet::Model model = native::read(path);
    close_file();
    return model;
  } catch (const ::resnet::Error& error) {
    close_file();
    throw Error(fault_of(error), name + ": " + error.without_file());
  }
}

}  // namespace

Model::Model(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

Model Model::open(const std::filesystem::path& file) {
  return guarded([&] {
    NoteKeeper keeper;
    ::resnet::Model model = cli::read_model_file(file.string(), {}, keeper);
    return Model(describe(file.string(), std::move(model), keeper.notes()));
  });
}

Model Model::from_bytes(std::span<const std::byte> bytes, const std::string& name) {
  return guarded([&] {
    const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    ::resnet::Model model = native::is_native(head) ? read_native(bytes, name) : onnx::read(bytes, name, {});
    std::vector<std::string> notes;
    for (const std::string& note : model.notes) notes.push_back(name + ": " + note);
    return Model(describe(name, std::move(model), std::move(notes)));
  });
}

Model Model::built_in() { return from_bytes(cli::built_in_model(), std::string(cli::built_in_name)); }

const std::string& Model::name() const noexcept { return data_->name; }
const std::vector<std::string>& Model::labels() const noexcept { return data_->model.labels; }
std::uint64_t Model::parameters() const noexcept { return data_->parameters; }
std::uint64_t Model::multiply_adds() const noexcept { return data_->multiply_adds; }
const std::vector<std::string>& Model::notes() const noexcept { return data_->notes; }

}  // namespace resnet::v0
