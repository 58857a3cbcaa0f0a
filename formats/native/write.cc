#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <xxhash.h>

#include <memory>
#include <ostream>

#include "formats/native/architecture.h"
#include "formats/native/header.h"
#include "formats/native/native.h"
#include "formats/native/native.pb.h"
#include "formats/native/prepared.h"
#include "formats/onnx/op_codec.h"
#include "formats/onnx/tensors.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/overloaded.h"
#include "lib/graph/stated.h"

namespace resnet::native {

namespace {

std::size_t aligned(std::size_t size) { return (size + alignment - 1) / alignment * alignment; }

class Writer {
 public:
  explicit Writer(const resnet::Model& model) : model_(model) {}

  void run(native::Model& proto) {
    write_graph(*proto.mutable_graph());
    for (const std::string& label : model_.labels) proto.add_labels(label);
    if (model_.preprocessing) write_preprocessing(*model_.preprocessing, *proto.mutable_preprocessing());
    if (model_.spec) write_architecture(*model_.spec, *proto.mutable_architecture());
    write_provenance(*proto.mutable_provenance());
    for (const auto& [key, value] : model_.metadata) (*proto.mutable_metadata())[key] = value;
    proto.set_writer("resnet-cli");
  }
  void write_tensor(const resnet::Tensor& tensor, native::Tensor& proto) {
    proto.set_dtype(onnx::export_dtype(tensor.dtype()));
    for (const std::int64_t dim : tensor.shape().dims()) proto.add_dims(dim);
    if (tensor.is_released()) {
      proto.set_released(true);
      return;
    }
    proto.set_offset(weights_size_);
    proto.set_size(tensor.size_bytes());
    weights_size_ += aligned(tensor.size_bytes());
    weights_.push_back(tensor);
    written_.push_back(&proto);
  }
  void add_checksums(ThreadPool& pool) {
    pool.parallel_for(weights_.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        written_[i]->set_checksum(XXH3_64bits(weights_[i].bytes().data(), weights_[i].size_bytes()));
    });
  }

  // In the order in which they are in the file.
  const std::vector<resnet::Tensor>& weights() const { return weights_; }
  std::size_t weights_size() const { return weights_size_; }

 private:
  static void write_input(ValueId id, native::Input& proto) {
    if (id.is_none()) return;
    proto.set_node(static_cast<std::uint32_t>(id.node) + 1);
    proto.set_slot(static_cast<std::uint32_t>(id.slot));
  }

  void write_attribute(const std::string& name, const resnet::Attribute& value, native::Attribute& proto) {
    proto.set_name(name);
    std::visit(Overloaded{[&](std::int64_t v) { proto.set_integer(v); }, [&](float v) { proto.set_number(v); },
                          [&](const std::string& v) { proto.set_text(v); },
                          [&](const resnet::Tensor& v) { write_tensor(v, *proto.mutable_tensor()); },
                          [&](const std::vector<std::int64_t>& v) {
                            *proto.mutable_integers()->mutable_values() = {v.begin(), v.end()};
                          },
                          [&](const std::vector<float>& v) {
                            *proto.mutable_numbers()->mutable_values() = {v.begin(), v.end()};
                          },
                          [&](const std::vector<std::string>& v) {
                            proto.mutable_texts();  // there, though it may be empty
                            for (const std::string& text : v) proto.mutable_texts()->add_values(text);
                          },
                          [&](const RawAttribute& v) { proto.set_onnx(v.bytes); }},
               value);
    if (proto.value_case() == native::Attribute::VALUE_NOT_SET) {
      // An empty list.
      if (std::holds_alternative<std::vector<std::int64_t>>(value)) proto.mutable_integers();
      if (std::holds_alternative<std::vector<float>>(value)) proto.mutable_numbers();
    }
  }

  void write_graph(native::Graph& proto) {
    const resnet::Graph& graph = model_.graph;
    proto.set_name(graph.name);
    proto.set_doc_string(graph.doc_string);
    const std::vector<bool> after = after_unknown(graph);
    for (const resnet::Node& node : graph.nodes()) {
      native::Node& written = *proto.add_nodes();
      written.set_name(node.name);
      written.set_doc_string(node.doc_string);
      for (const auto& [key, value] : node.metadata) (*written.mutable_metadata())[key] = value;
      for (const ValueId input : node.inputs) write_input(input, *written.add_inputs());
      for (const Value& value : node.outputs) written.add_outputs(value.name);
      if (holds_alternative<resnet::Input>(node.op)) {
        written.set_op("Input");
        write_fact(node.outputs[0].fact, written);
      } else if (const auto* constant = get_if<Constant>(&node.op)) {
        written.set_op("Constant");
        write_tensor(constant->value, *written.mutable_constant());
      } else {
        const onnx::EncodedOp op = onnx::encode(graph, node);
        written.set_domain(op.domain);
        written.set_op(op.type);
        written.set_opset(op.opset);
        for (const auto& [name, value] : op.attributes) write_attribute(name, value, *written.add_attributes());
        if (after[static_cast<std::size_t>(&node - graph.nodes().data())]) {
          for (const Value& value : node.outputs) write_stated(value.fact, *written.add_stated());
        }
      }
    }
    for (const ValueId output : graph.outputs()) write_input(output, *proto.add_outputs());
    for (const auto& [name, dims] : model_.declared_outputs) {
      native::DeclaredOutput& declared = *proto.add_declared_outputs();
      declared.set_name(name);
      write_dims(dims, *declared.mutable_dims());
    }
  }

  static void write_dims(const Dims& dims, google::protobuf::RepeatedPtrField<native::Dim>& proto) {
    for (const resnet::Dim& dim : dims) {
      if (dim.is_number()) {
        proto.Add()->set_number(dim.number());
      } else {
        proto.Add()->set_symbol(dim.to_string());
      }
    }
  }

  static void write_stated(const Fact& fact, native::StatedFact& proto) {
    if (fact.dtype) proto.set_dtype(onnx::export_dtype(*fact.dtype));
    proto.set_has_rank(fact.has_rank());
    if (fact.dims) write_dims(*fact.dims, *proto.mutable_dims());
  }

  static void write_fact(const resnet::Fact& fact, native::Node& proto) {
    if (fact.dtype) proto.set_input_dtype(onnx::export_dtype(*fact.dtype));
    proto.set_input_has_rank(fact.has_rank());
    if (fact.dims) write_dims(*fact.dims, *proto.mutable_input_dims());
  }

  static void write_preprocessing(const resnet::Preprocessing& p, native::Preprocessing& proto) {
    proto.set_name(p.name);
    if (p.resize) proto.set_resize(*p.resize);
    if (p.crop_size) proto.set_crop_size(*p.crop_size);
    proto.set_interpolation(static_cast<int>(p.interpolation));
    proto.set_bgr(p.channel_order == ChannelOrder::bgr);
    proto.set_scale(p.scale);
    *proto.mutable_mean() = {p.mean.begin(), p.mean.end()};
    *proto.mutable_std() = {p.std.begin(), p.std.end()};
    proto.set_exif(p.exif);
    proto.set_crop_mode(static_cast<int>(p.crop_mode));
    proto.set_crop_corner(static_cast<int>(p.crop_corner));
    if (p.crop_pct) proto.set_crop_pct(*p.crop_pct);
  }

  void write_provenance(native::Provenance& proto) const {
    const resnet::Provenance& p = model_.provenance;
    proto.set_format(p.format);
    proto.set_producer_name(p.producer_name);
    proto.set_producer_version(p.producer_version);
    proto.set_domain(p.domain);
    proto.set_doc_string(p.doc_string);
    proto.set_model_version(p.model_version);
    proto.set_ir_version(p.ir_version);
    for (const auto& [domain, version] : p.opsets) (*proto.mutable_opsets())[domain] = version;
  }

  const resnet::Model& model_;
  std::vector<resnet::Tensor> weights_;
  std::vector<native::Tensor*> written_;  // what stands for each in the message
  std::size_t weights_size_ = 0;
};

std::string serialize(const google::protobuf::Message& proto) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  proto.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// What follows the header, and a header that fits it but for the checksum.
struct Sections {
  std::string message;
  const std::vector<resnet::Tensor>& weights;
  Header header;

  Sections(std::string bytes, const Writer& writer) : message(std::move(bytes)), weights(writer.weights()) {
    header.graph_size = message.size();
    header.weights_offset = aligned(header_size + message.size());
    header.weights_size = writer.weights_size();
    header.file_size = header.weights_offset + header.weights_size + tail;
  }

  // Everything after the header, in order, to `take`.
  template <typename Take>
  void each_piece(const Take& take) const {
    static constexpr char zeros[tail] = {};
    take(message.data(), message.size());
    take(zeros, header.weights_offset - header_size - message.size());
    for (const resnet::Tensor& tensor : weights) {
      take(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.size_bytes());
      take(zeros, aligned(tensor.size_bytes()) - tensor.size_bytes());
    }
    take(zeros, tail);
  }

  void write(const std::filesystem::path& file, std::string_view file_magic, bool synced, const AtomicFile::Options& options = {},
             const std::function<void(int descriptor)>& before_naming = {}) const {
    AtomicFile output(file, options);
    const auto bytes = header.to_bytes(file_magic);
    output.stream().write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    each_piece([&](const char* data, std::size_t size) { output.stream().write(data, static_cast<std::streamsize>(size)); });
    if (before_naming) before_naming(output.descriptor());
    output.commit(synced);
  }
};

}  // namespace

void write(const resnet::Model& model, const std::filesystem::path& file,
           const std::function<void(int descriptor)>& before_naming) {
  Writer writer(model);
  native::Model proto;
  writer.run(proto);
  Sections sections(serialize(proto), writer);

  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  XXH3_64bits_update(hash.get(), sections.header.to_bytes(magic).data(), Header::checksum_offset);
  sections.each_piece([&](const char* data, std::size_t size) { XXH3_64bits_update(hash.get(), data, size); });
  sections.header.checksum = XXH3_64bits_digest(hash.get());
  sections.write(file, magic, true, {}, before_naming);
}

void write_prepared(const PreparedNetwork& prepared, const std::filesystem::path& file, ThreadPool& pool) {
  Writer writer(prepared.model);
  native::Prepared proto;
  proto.set_key(prepared.key);
  proto.set_name(prepared.name);
  proto.set_parameters(prepared.parameters);
  proto.set_macs(prepared.macs);
  for (const std::string& note : prepared.model.notes) proto.add_notes(note);
  for (const auto& [name, digest] : prepared.data_digests) {
    native::DataFile& data = *proto.add_data_files();
    data.set_name(name);
    data.set_digest(digest);
  }
  writer.run(*proto.mutable_model());
  for (const auto& [node, buffer] : prepared.packed_weights) {
    native::PackedWeights& packed = *proto.add_packed_weights();
    packed.set_node(static_cast<std::uint32_t>(node));
    const auto size = static_cast<std::int64_t>(buffer->bytes().size());
    writer.write_tensor(resnet::Tensor(DType::uint8, Shape{size}, buffer), *packed.mutable_bytes());
  }
  writer.add_checksums(pool);
  Sections sections(serialize(proto), writer);
  const auto header = sections.header.to_bytes(prepared_magic);
  sections.header.checksum =
      prepared_checksum(std::span(header).first(Header::checksum_offset), std::as_bytes(std::span(sections.message)));
  sections.write(file, prepared_magic, false, {.mode = 0600, .follow_link = false});
}

}  // namespace resnet::native
