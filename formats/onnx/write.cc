#include "formats/onnx/write.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>

#include <optional>
#include <ostream>
#include <span>
#include <system_error>

#include "formats/onnx/model_writer.h"
#include "formats/onnx/opset.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/remove_when_killed.h"

namespace resnet::onnx {

namespace {

// What one Protobuf message can hold, and some room.
constexpr std::size_t most_bytes = (std::size_t{1} << 31) - (std::size_t{1} << 20);

std::size_t weight_bytes(const Graph& graph) {
  std::size_t sum = 0;
  for (const Node& node : graph.nodes()) {
    if (const auto* constant = get_if<Constant>(&node.op)) sum += constant->value.size_bytes();
  }
  return sum;
}

// Deterministic. False where the stream does not take the bytes.
bool serialize_to(const ::onnx::ModelProto& proto, google::protobuf::io::ZeroCopyOutputStream& stream) {
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  return proto.SerializeToCodedStream(&coded);
}

}  // namespace

int written_opset(const Model& model, const WriteOptions& options) {
  if (options.opset) return *options.opset;
  const auto fits = [&](int opset) {
    try {
      check_nodes(model, opset, options);
      return true;
    } catch (const Error& error) {
      if (error.fault() != Fault::unsupported) throw;
      return false;
    }
  };
  for (int opset = usual_opset; opset <= newest_opset; ++opset) {
    if (fits(opset)) return opset;
  }
  for (int opset = usual_opset - 1; opset >= oldest_written_opset; --opset) {
    if (fits(opset)) return opset;
  }
  return usual_opset;
}

std::string serialize(const Model& model, const WriteOptions& options) {
  if (weight_bytes(model.graph) > most_bytes) {
    throw Error(Fault::unsupported, fmt::format("the weights have {} bytes, more than the 2 GiB of one file: they need a file of "
                                                "external data",
                                                weight_bytes(model.graph)));
  }
  WriteOptions alone = options;
  alone.external_data.clear();
  const ::onnx::ModelProto proto = write_model(model, written_opset(model, options), alone).proto;
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  if (!serialize_to(proto, stream)) throw Error(Fault::internal, "the model cannot be serialized");
  return bytes;
}

namespace {

// Weights beside a model: a new file of them goes again where the model does not come to its name.
class WeightFile {
 public:
  explicit WeightFile(const std::filesystem::path& file) : file_(file) {
    std::error_code ignored;
    is_new_ = !std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
  }
  ~WeightFile() {
    std::error_code ignored;
    if (mark_) std::filesystem::remove(file_, ignored);
  }
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  void write(std::span<const ExternalWeight> weights) {
    AtomicFile data(file_);
    std::size_t at = 0;
    for (const auto& [offset, tensor] : weights) {
      static constexpr char zeros[64] = {};
      data.stream().write(zeros, static_cast<std::streamsize>(offset - at));
      data.stream().write(reinterpret_cast<const char*>(tensor.bytes().data()),
                          static_cast<std::streamsize>(tensor.size_bytes()));
      at = offset + tensor.size_bytes();
    }
    if (is_new_) mark_.emplace(file_);
    data.commit();
  }
  void keep() { mark_.reset(); }

 private:
  const std::filesystem::path file_;
  bool is_new_ = false;
  std::optional<RemoveWhenKilled> mark_;
};

}  // namespace

void write(const Model& model, const std::filesystem::path& file, const WriteOptions& options) {
  WriteOptions chosen = options;
  if (chosen.external_data.empty() && weight_bytes(model.graph) > most_bytes)
    chosen.external_data = file.filename().string() + ".data";
  ModelFile written = write_model(model, written_opset(model, options), chosen);
  AtomicFile output(file);
  {
    google::protobuf::io::OstreamOutputStream stream(&output.stream());
    serialize_to(written.proto, stream);  // what the stream did not take, commit() finds
  }
  written.proto = {};
  WeightFile data(file.parent_path() / chosen.external_data);
  if (!written.external.empty()) data.write(written.external);  // first the weights, then the file that refers to them
  if (options.before_naming) options.before_naming(output.descriptor());
  output.commit();
  data.keep();
}

}  // namespace resnet::onnx
