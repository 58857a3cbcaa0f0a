#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include "formats/native/architecture.h"
#include "formats/native/header.h"
#include "formats/native/native.h"
#include "formats/native/native.pb.h"
#include "formats/native/prepared.h"
#include "formats/onnx/op_codec.h"
#include "formats/onnx/tensors.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/graph/stated.h"

namespace resnet::native {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::malformed, what); }

Header check_header(std::span<const std::byte> bytes, std::string_view file_magic, const char* what) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), file_magic.size()));
  if (bytes.empty()) refuse("is empty");
  if (!file_magic.starts_with(head)) refuse(fmt::format("is not a {}", what));
  if (bytes.size() < header_size)
    refuse(fmt::format("is cut short: {} bytes, expected a header of {}", bytes.size(), header_size));
  const Header header = Header::from_bytes(bytes);
  if (header.version > newest_version) {
    refuse(
        fmt::format("was written by a later version (format {}), this program reads up to {}", header.version, newest_version));
  }
  if (header.version == 0) refuse("is damaged: its header names version 0");
  if (header.file_size > bytes.size()) {
    refuse(fmt::format("is cut short: {} bytes, expected {}", bytes.size(), header.file_size));
  }
  // Each step leaves room for the next, so that nothing overflows.
  const bool fits = header.file_size == bytes.size() && header.graph_offset == header_size &&
                    header.graph_size <= header.file_size - header_size && header.weights_offset % alignment == 0 &&
                    header.weights_offset >= header_size + header.graph_size && header.weights_offset <= header.file_size &&
                    header.weights_size <= header.file_size - header.weights_offset &&
                    header.file_size - header.weights_offset - header.weights_size == tail;
  if (!fits) refuse(fmt::format("is damaged: the sizes in its header do not fit its {} bytes", bytes.size()));
  return header;
}

void check_sum(std::span<const std::byte> bytes, const Header& header) {
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> hash(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(hash.get());
  XXH3_64bits_update(hash.get(), bytes.data(), Header::checksum_offset);
  XXH3_64bits_update(hash.get(), bytes.data() + header_size, bytes.size() - header_size);
  if (XXH3_64bits_digest(hash.get()) != header.checksum)
    throw ChecksumMismatch(Fault::malformed, "checksum mismatch: the file is damaged");
}

template <typename Message>
void parse(Message& message, std::span<const std::byte> bytes, const Header& header) {
  if (header.graph_size > std::numeric_limits<std::int32_t>::max() ||
      !message.ParseFromArray(bytes.data() + header.graph_offset, static_cast<int>(header.graph_size))) {
    refuse("is damaged: its graph cannot be parsed");
  }
}

class Reader {
 public:
  // Of a prepared network weights may be released, and each has a checksum of its own.
  Reader(const native::Model& proto, std::shared_ptr<const Buffer> file, const Header& header, bool prepared = false)
      : proto_(proto),
        file_(std::move(file)),
        weights_(file_->bytes().subspan(header.weights_offset, header.weights_size)),
        prepared_(prepared) {}

  resnet::Model run() {
    resnet::Model model;
    read_graph(model.graph);
    for (const std::string& label : proto_.labels()) model.labels.push_back(label);
    if (proto_.has_preprocessing()) model.preprocessing = read_preprocessing(proto_.preprocessing());
    if (proto_.has_architecture()) model.spec = read_architecture(proto_.architecture());
    for (const native::DeclaredOutput& declared : proto_.graph().declared_outputs())
      model.declared_outputs[declared.name()] = read_dims(declared.dims());
    const native::Provenance& p = proto_.provenance();
    model.provenance = {p.format(),     p.producer_name(), p.producer_version(), p.domain(),
                        p.doc_string(), p.model_version(), p.ir_version(),       {}};
    for (const auto& [domain, version] : p.opsets()) model.provenance.opsets[domain] = version;
    for (const auto& [key, value] : proto_.metadata()) model.metadata[key] = value;
    return model;
  }

  resnet::Tensor read_tensor(const native::Tensor& proto) {
    const DType dtype = onnx::import_dtype(proto.dtype());
    Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
    if (prepared_ && proto.released()) return resnet::Tensor::released(dtype, std::move(shape));
    const auto size = checked_multiply(static_cast<std::size_t>(shape.elements()), size_of(dtype));
    if (!size || *size != proto.size())
      refuse(fmt::format("{} bytes of data for {} {}", proto.size(), name_of(dtype), shape.to_string()));
    if (proto.offset() % alignment != 0 || proto.offset() > weights_.size() || proto.size() > weights_.size() - proto.offset()) {
      refuse(fmt::format("data at {} with {} bytes, which is not in the file's {} bytes of weights", proto.offset(), proto.size(),
                         weights_.size()));
    }
    const auto bytes = weights_.subspan(proto.offset(), proto.size());
    if (prepared_) sums_.emplace_back(bytes, proto.checksum());
    if (dtype != DType::boolean) return {dtype, std::move(shape), Buffer::view(bytes, file_)};
    // A file may hold any byte where C++ knows only 0 and 1.
    resnet::Tensor tensor = resnet::Tensor::allocate(dtype, std::move(shape));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      tensor.mutable_bytes()[i] = bytes[i] == std::byte{0} ? std::byte{0} : std::byte{1};
    return tensor;
  }

  // Throws where a tensor that was read is not what was written.
  void check_tensors(ThreadPool& pool) const {
    std::atomic<bool> damaged = false;
    pool.parallel_for(sums_.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const auto& [bytes, sum] = sums_[i];
        if (XXH3_64bits(bytes.data(), bytes.size()) != sum) damaged = true;
      }
    });
    if (damaged) refuse("checksum mismatch: its weights are damaged");
  }

 private:
  static ValueId read_input(const native::Input& proto, const resnet::Graph& graph) {
    if (proto.node() == 0) return ValueId::none();
    const std::size_t index = proto.node() - 1;
    if (index >= graph.nodes().size() || proto.slot() >= graph.nodes()[index].outputs.size()) {
      refuse(fmt::format("reads output {} of node {}, which does not come before it", proto.slot(), index));
    }
    return {static_cast<NodeId>(index), static_cast<std::int32_t>(proto.slot())};
  }

  resnet::Attribute read_attribute(const native::Attribute& proto) {
    switch (proto.value_case()) {
      case native::Attribute::kInteger: return proto.integer();
      case native::Attribute::kNumber: return proto.number();
      case native::Attribute::kText: return proto.text();
      case native::Attribute::kTensor: return read_tensor(proto.tensor());
      case native::Attribute::kIntegers:
        return std::vector<std::int64_t>(proto.integers().values().begin(), proto.integers().values().end());
      case native::Attribute::kNumbers:
        return std::vector<float>(proto.numbers().values().begin(), proto.numbers().values().end());
      case native::Attribute::kTexts:
        return std::vector<std::string>(proto.texts().values().begin(), proto.texts().values().end());
      case native::Attribute::kOnnx: return RawAttribute{proto.onnx()};
      case native::Attribute::VALUE_NOT_SET: break;
    }
    refuse(fmt::format("attribute '{}' has no value", proto.name()));
  }

  static Dims read_dims(const google::protobuf::RepeatedPtrField<native::Dim>& proto) {
    Dims dims;
    for (const native::Dim& dim : proto) {
      const bool is_symbol = dim.kind_case() == native::Dim::kSymbol;
      if (is_symbol && dim.symbol().empty()) refuse("a dimension is a symbol without a name");
      if (!is_symbol && dim.number() < 0) refuse(fmt::format("a dimension is {}", dim.number()));
      dims.push_back(is_symbol ? resnet::Dim::symbol(dim.symbol()) : resnet::Dim(dim.number()));
    }
    return dims;
  }

  static Fact read_fact(const native::Node& proto) {
    Fact fact;
    if (proto.input_dtype() != 0) fact.dtype = onnx::import_dtype(proto.input_dtype());
    if (!proto.input_has_rank()) return fact;
    fact.dims = read_dims(proto.input_dims());
    std::int64_t bytes = 8;
    for (std::size_t axis = 0; resnet::Dim & dim : *fact.dims) {
      // As the ONNX reader takes it: any size.
      if (dim.is(0)) dim = resnet::Dim::symbol(fmt::format("{}_dim{}", proto.name(), axis));
      ++axis;
      if (!dim.is_number()) continue;
      const auto product = checked_multiply(bytes, dim.number());
      if (!product) refuse(fmt::format("shape {} does not fit into memory", to_string(*fact.dims)));
      bytes = *product;
    }
    return fact;
  }

  static void read_stated(const native::Node& proto, resnet::Node& made) {
    for (int i = 0; i < proto.stated_size() && i < static_cast<int>(made.outputs.size()); ++i) {
      const native::StatedFact& stated = proto.stated(i);
      Fact fact;
      if (stated.dtype() != 0) fact.dtype = onnx::import_dtype(stated.dtype());
      if (stated.has_rank()) fact.dims = read_dims(stated.dims());
      add_stated(made.outputs[static_cast<std::size_t>(i)].fact, fact);
    }
  }

  void read_graph(resnet::Graph& graph) {
    const native::Graph& proto = proto_.graph();
    graph.name = proto.name();
    graph.doc_string = proto.doc_string();
    for (const native::Node& node : proto.nodes()) {
      const std::string& name = !node.name().empty() ? node.name() : node.outputs_size() > 0 ? node.outputs(0) : node.name();
      const std::string label =
          fmt::format("node '{}' ({}{})", name, node.domain().empty() ? "" : node.domain() + ".", node.op());
      try {
        read_node(node, label, graph);
      } catch (Error& error) {
        error.in(Frame::node(label));
        throw;
      }
    }
    std::vector<ValueId> outputs;
    for (const native::Input& output : proto.outputs()) {
      const ValueId id = read_input(output, graph);
      if (id.is_none()) refuse("an output of the graph is left out");
      outputs.push_back(id);
    }
    if (outputs.empty()) refuse("the graph has no output");
    graph.set_outputs(std::move(outputs));
    if (prepared_) return;
    // Names that are there twice would be found only when the graph is written.
    if (const auto findings = verify(graph); !findings.empty()) refuse(findings.front());
  }

  void read_node(const native::Node& node, const std::string& label, resnet::Graph& graph) {
    if (node.outputs_size() == 0) refuse("the node has no output");
    ValueId made;
    const bool own = node.domain().empty();
    if (own && node.op() == "Input") {
      made = graph.add_input(node.name(), read_fact(node));
    } else if (own && node.op() == "Constant") {
      made = graph.add_constant(node.outputs(0), read_tensor(node.constant()));
    } else {
      std::vector<ValueId> inputs;
      for (const native::Input& input : node.inputs()) inputs.push_back(read_input(input, graph));
      std::vector<std::string> outputs(node.outputs().begin(), node.outputs().end());
      onnx::EncodedOp op{node.domain(), node.op(), node.opset(), {}};
      for (const native::Attribute& attribute : node.attributes())
        op.attributes.emplace(attribute.name(), read_attribute(attribute));
      Op decoded = onnx::decode(op, graph, inputs, outputs, label);
      made = graph.append(std::move(decoded), std::move(inputs), node.name(), std::move(outputs));
      read_stated(node, graph.node(made.node));
    }
    resnet::Node& result = graph.node(made.node);
    result.name = node.name();
    result.doc_string = node.doc_string();
    for (const auto& [key, value] : node.metadata()) result.metadata[key] = value;
  }

  static resnet::Preprocessing read_preprocessing(const native::Preprocessing& proto) {
    resnet::Preprocessing p;
    p.name = proto.name();
    p.resize = proto.has_resize() ? std::optional(proto.resize()) : std::nullopt;
    p.crop_size = proto.has_crop_size() ? std::optional(proto.crop_size()) : std::nullopt;
    if (proto.interpolation() < 0 || proto.interpolation() > 2 || proto.mean_size() != 3 || proto.std_size() != 3 ||
        proto.crop_mode() < 0 || proto.crop_mode() > 2 || proto.crop_corner() < 0 || proto.crop_corner() > 1) {
      refuse("the preprocessing is damaged");
    }
    p.interpolation = static_cast<Interpolation>(proto.interpolation());
    p.channel_order = proto.bgr() ? ChannelOrder::bgr : ChannelOrder::rgb;
    p.scale = proto.scale();
    for (int i = 0; i < 3; ++i) {
      p.mean[static_cast<std::size_t>(i)] = proto.mean(i);
      p.std[static_cast<std::size_t>(i)] = proto.std(i);
    }
    p.exif = proto.exif();
    p.crop_mode = static_cast<CropMode>(proto.crop_mode());
    p.crop_corner = static_cast<CropCorner>(proto.crop_corner());
    if (proto.has_crop_pct()) p.crop_pct = proto.crop_pct();
    if (const std::string mistake = find_mistake(p); !mistake.empty()) refuse("its preprocessing cannot be used: " + mistake);
    return p;
  }

  const native::Model& proto_;
  std::shared_ptr<const Buffer> file_;
  std::span<const std::byte> weights_;
  bool prepared_;
  std::vector<std::pair<std::span<const std::byte>, std::uint64_t>> sums_;
};

// The message of a prepared network, with a checksum that fits.
Header parse_prepared(native::Prepared& proto, std::span<const std::byte> bytes) {
  const Header header = check_header(bytes, prepared_magic, "prepared network");
  if (prepared_checksum(bytes.first(Header::checksum_offset), bytes.subspan(header_size, header.graph_size)) != header.checksum)
    refuse("checksum mismatch: the file is damaged");
  parse(proto, bytes, header);
  return header;
}

resnet::Model read_mapped(const std::shared_ptr<const Buffer>& buffer, const std::filesystem::path& file,
                          const ReadOptions& options) {
  try {
    const std::span<const std::byte> bytes = buffer->bytes();
    const Header header = check_header(bytes, magic, ".resnet file");
    if (options.verify) check_sum(bytes, header);
    native::Model proto;
    parse(proto, bytes, header);
    return Reader(proto, buffer, header).run();
  } catch (Error& error) {
    error.in(Frame::file(Role::model, file.string()));
    throw;
  }
}

}  // namespace

bool is_native(std::string_view head) { return head.starts_with(magic); }

resnet::Model read(const std::filesystem::path& file, const ReadOptions& options) {
  return read_mapped(Buffer::map_file(file), file, options);
}

resnet::Model read(int descriptor, const std::filesystem::path& file, const ReadOptions& options) {
  return read_mapped(Buffer::map_descriptor(descriptor, file), file, options);
}

bool is_prepared(std::string_view head) { return prepared_magic.starts_with(head.substr(0, prepared_magic.size())); }

namespace {

PreparedNetwork read_prepared(const std::shared_ptr<const Buffer>& buffer, const std::filesystem::path& file, ThreadPool& pool) {
  try {
    native::Prepared proto;
    const Header header = parse_prepared(proto, buffer->bytes());
    PreparedNetwork prepared;
    prepared.key = proto.key();
    prepared.name = proto.name();
    prepared.parameters = proto.parameters();
    prepared.macs = proto.macs();
    for (const native::DataFile& data : proto.data_files()) prepared.data_digests[data.name()] = data.digest();
    Reader reader(proto.model(), buffer, header, true);
    prepared.model = reader.run();
    prepared.model.notes = {proto.notes().begin(), proto.notes().end()};
    for (const native::PackedWeights& packed : proto.packed_weights()) {
      if (packed.node() >= prepared.model.graph.nodes().size())
        refuse(fmt::format("has packed weights for node {}, which is not there", packed.node()));
      const resnet::Tensor tensor = reader.read_tensor(packed.bytes());
      prepared.packed_weights[static_cast<NodeId>(packed.node())] = tensor.buffer();
    }
    reader.check_tensors(pool);
    return prepared;
  } catch (Error& error) {
    error.in(Frame::file(Role::model, file.string()));
    throw;
  }
}

}  // namespace

PreparedNetwork read_prepared(const std::filesystem::path& file, ThreadPool& pool) {
  return read_prepared(Buffer::map_file(file), file, pool);
}

PreparedNetwork read_prepared(int descriptor, const std::filesystem::path& file, ThreadPool& pool) {
  return read_prepared(Buffer::map_descriptor(descriptor, file), file, pool);
}

PreparedSummary read_prepared_summary(int descriptor, const std::filesystem::path& file) {
  const auto buffer = Buffer::map_descriptor(descriptor, file);
  try {
    native::Prepared proto;
    parse_prepared(proto, buffer->bytes());
    return {proto.key(), proto.name()};
  } catch (Error& error) {
    error.in(Frame::file(Role::model, file.string()));
    throw;
  }
}

}  // namespace resnet::native
