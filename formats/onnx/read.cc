#include "formats/onnx/read.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/defs/parser.h>
#include <onnx/onnx_pb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <queue>
#include <set>
#include <unordered_map>

#include "formats/onnx/node_import.h"
#include "formats/onnx/tensors.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

constexpr std::int64_t newest_opset = 22;
constexpr std::size_t most_bytes = (std::size_t{1} << 31) - 1;  // of one Protobuf message

// Initializers up to this size are copied into aligned memory; larger ones keep the string that they were parsed into.
constexpr std::size_t copied_bytes = 4096;

// What a file that is no model is, told by its first bytes; empty where they tell nothing.
std::string identify(std::string_view head) {
  const auto starts = [&](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  if (starts("version https://git-lfs")) return "is a Git LFS pointer, not the model itself: fetch it with 'git lfs pull'";
  std::string_view text = head;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  std::string lower(text.substr(0, 16));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<head")) {
    return "is a web page, not a model: the download saved a page in its place";
  }
  if (lower.starts_with("<?xml")) return "is an XML file, not an ONNX model";
  if (starts("\xff\xd8\xff")) return "is a JPEG picture, not a model";
  if (starts("\x89PNG")) return "is a PNG picture, not a model";
  if (starts("GIF8")) return "is a GIF picture, not a model";
  if (starts("RIFF") && head.substr(8, 4) == "WEBP") return "is a WebP picture, not a model";
  if (starts("PK\x03\x04")) return "is a zip archive (a PyTorch checkpoint?), expected an ONNX model";
  if (starts("\x89HDF")) return "is an HDF5 file (a Keras model?), expected an ONNX model";
  if (starts("\x80\x02") || starts("\x80\x04")) return "is a Python pickle (a PyTorch checkpoint?), expected an ONNX model";
  if (starts("\x1f\x8b")) return "is gzip-compressed: unpack it first";
  if (starts("\x93NUMPY")) return "is a NumPy array, not a model";
  return "";
}

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

std::string label_of(const ::onnx::NodeProto& node) {
  const std::string& name = !node.name().empty() ? node.name() : node.output_size() > 0 ? node.output(0) : node.name();
  const std::string domain = domain_of(node.domain());
  return fmt::format("node '{}' ({}{})", name, domain.empty() ? "" : domain + ".", node.op_type());
}

class Reader {
 public:
  Reader(::onnx::ModelProto& proto, std::filesystem::path folder, const ReadOptions& options)
      : proto_(proto), graph_proto_(*proto.mutable_graph()), options_(options) {
    external_.folder = std::move(folder);
  }

  Model run() {
    read_provenance();
    collect_used_names();
    read_inputs();
    read_initializers();
    for (const int index : order()) read_node(*graph_proto_.mutable_node(index));
    read_outputs();
    return std::move(model_);
  }

 private:
  void note(std::string text) { model_.notes.push_back(std::move(text)); }

  void read_provenance() {
    Provenance& p = model_.provenance;
    p.format = "ONNX";
    p.producer_name = proto_.producer_name();
    p.producer_version = proto_.producer_version();
    p.domain = proto_.domain();
    p.doc_string = proto_.doc_string();
    p.model_version = proto_.model_version();
    p.ir_version = proto_.ir_version();
    for (const auto& import : proto_.opset_import()) p.opsets[domain_of(import.domain())] = import.version();
    // IR versions 1 and 2 have no opset imports: version 1.
    if (!p.opsets.contains("")) p.opsets[""] = 1;
    opset_ = p.opsets[""];
    if (opset_ > newest_opset)
      note(fmt::format("opset {} is newer than {}, the newest known here: read as if nothing had changed", opset_, newest_opset));
    for (const auto& entry : proto_.metadata_props()) model_.metadata[entry.key()] = entry.value();
    model_.graph.name = graph_proto_.name();
    model_.graph.doc_string = graph_proto_.doc_string();
    if (graph_proto_.sparse_initializer_size() > 0) throw Error(ErrorKind::unsupported, "sparse initializers cannot be read");
  }

  void collect_used_names() {
    for (const auto& node : graph_proto_.node()) {
      for (const std::string& input : node.input()) used_.insert(input);
    }
    for (const auto& output : graph_proto_.output()) used_.insert(output.name());
  }

  void define(const std::string& name, ValueId id, const std::string& maker) {
    if (!values_.emplace(name, id).second)
      throw Error(ErrorKind::invalid_model, fmt::format("{}: value '{}' is made twice", maker, name));
  }

  Fact fact_of(const ::onnx::ValueInfoProto& info) {
    const std::string context = fmt::format("input '{}'", info.name());
    if (!info.type().has_tensor_type()) {
      throw Error(ErrorKind::unsupported, context + " is no tensor (sequences, optionals and maps cannot be read)");
    }
    const auto& type = info.type().tensor_type();
    Fact fact;
    if (type.elem_type() != 0) fact.dtype = import_dtype(type.elem_type());
    if (!type.has_shape()) return fact;
    fact.dims.emplace();
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const auto& dim = type.shape().dim(i);
      const std::string own = fmt::format("{}_dim{}", info.name(), i);
      if (dim.has_dim_value()) {
        if (dim.dim_value() == -1) {
          note(fmt::format("{} has dimension {} = -1: taken as any size", context, i));
          fact.dims->push_back(Dim::symbol(own));
        } else if (dim.dim_value() < 0) {
          throw Error(ErrorKind::invalid_model,
                      fmt::format("{} has dimension {} = {}, expected a size", context, i, dim.dim_value()));
        } else {
          fact.dims->push_back(dim.dim_value());
        }
      } else {
        fact.dims->push_back(Dim::symbol(dim.dim_param().empty() ? own : dim.dim_param()));
      }
    }
    try {
      // The numbers alone must fit, whatever the symbols will be.
      std::vector<std::int64_t> numbers;
      for (const Dim& dim : *fact.dims) {
        if (dim.is_number()) numbers.push_back(dim.number());
      }
      const Shape shape(std::move(numbers));
      if (!checked_multiply(shape.elements(), std::int64_t{8})) throw Error(ErrorKind::invalid_model, "");
    } catch (const Error&) {
      throw Error(ErrorKind::invalid_model,
                  fmt::format("{} is {}, which does not fit into memory", context, to_string(*fact.dims)));
    }
    return fact;
  }

  void read_inputs() {
    std::set<std::string> initializers;
    for (const auto& tensor : graph_proto_.initializer()) initializers.insert(tensor.name());
    std::set<std::string> asked;
    for (const auto& [name, shape] : options_.input_shapes) asked.insert(name);
    bool first = true;
    for (const auto& input : graph_proto_.input()) {
      if (initializers.contains(input.name())) continue;  // IR version 3 lists initializers as inputs, too
      Fact fact = fact_of(input);
      for (const std::string& key : {input.name(), std::string(first ? "" : input.name())}) {
        const auto given = options_.input_shapes.find(key);
        if (given == options_.input_shapes.end()) continue;
        const auto dims = given->second.dims();
        if (fact.dims && fact.dims->size() != dims.size()) {
          throw Error(ErrorKind::usage, fmt::format("input '{}' is {}, cannot be given the shape {}", input.name(),
                                                    to_string(*fact.dims), given->second.to_string()));
        }
        fact.dims = Dims(dims.begin(), dims.end());
        asked.erase(key);
      }
      first = false;
      define(input.name(), model_.graph.add_input(input.name(), std::move(fact)), fmt::format("input '{}'", input.name()));
    }
    if (!asked.empty()) throw Error(ErrorKind::usage, fmt::format("the model has no input '{}' to give a shape", *asked.begin()));
  }

  Tensor take_tensor(::onnx::TensorProto& tensor) {
    if (!tensor.has_raw_data() || tensor.raw_data().size() < copied_bytes || tensor.data_type() == ::onnx::TensorProto::BOOL) {
      return import_tensor(tensor, &external_);
    }
    // The parsed string becomes the tensor's own memory: weights are not copied.
    const DType dtype = import_dtype(tensor.data_type());
    Shape shape(std::vector<std::int64_t>(tensor.dims().begin(), tensor.dims().end()));
    const auto expected = checked_multiply(static_cast<std::size_t>(shape.elements()), size_of(dtype));
    if (!expected || *expected != tensor.raw_data().size() || tensor.data_location() == ::onnx::TensorProto::EXTERNAL) {
      return import_tensor(tensor, &external_);  // which says what is wrong
    }
    const std::shared_ptr<std::string> bytes(tensor.release_raw_data());
    return Tensor(dtype, std::move(shape), Buffer::view(std::as_bytes(std::span(*bytes)), bytes));
  }

  void read_initializers() {
    for (auto& tensor : *graph_proto_.mutable_initializer()) {
      try {
        if (!used_.contains(tensor.name())) {
          note(fmt::format("initializer '{}' is used by no node: left out", tensor.name()));
          continue;
        }
        define(tensor.name(), model_.graph.add_constant(tensor.name(), take_tensor(tensor)), "initializer");
      } catch (Error& error) {
        error.add_context(fmt::format("initializer '{}'", tensor.name()));
        throw;
      }
    }
  }

  // The nodes in an order in which each stands behind what it reads; the file's own where it is one.
  std::vector<int> order() {
    const int count = graph_proto_.node_size();
    std::unordered_map<std::string, int> makers;
    for (int i = 0; i < count; ++i) {
      for (const std::string& output : graph_proto_.node(i).output()) {
        if (output.empty()) continue;
        if (!makers.emplace(output, i).second || values_.contains(output)) {
          throw Error(ErrorKind::invalid_model,
                      fmt::format("{}: value '{}' is made twice", label_of(graph_proto_.node(i)), output));
        }
      }
    }
    std::vector<int> waits(static_cast<std::size_t>(count), 0);
    std::vector<std::vector<int>> readers(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const auto& node = graph_proto_.node(i);
      for (const std::string& input : node.input()) {
        if (input.empty() || values_.contains(input)) continue;
        const auto maker = makers.find(input);
        if (maker == makers.end()) {
          throw Error(ErrorKind::invalid_model,
                      fmt::format("{}: input '{}' is made by no node, initializer or graph input", label_of(node), input));
        }
        ++waits[static_cast<std::size_t>(i)];
        readers[static_cast<std::size_t>(maker->second)].push_back(i);
      }
    }
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (int i = 0; i < count; ++i) {
      if (waits[static_cast<std::size_t>(i)] == 0) ready.push(i);
    }
    std::vector<int> result;
    while (!ready.empty()) {
      const int i = ready.top();
      ready.pop();
      result.push_back(i);
      for (const int reader : readers[static_cast<std::size_t>(i)]) {
        if (--waits[static_cast<std::size_t>(reader)] == 0) ready.push(reader);
      }
    }
    if (static_cast<int>(result.size()) < count) {
      std::vector<std::string> names;
      for (int i = 0; i < count && names.size() < 4; ++i) {
        if (waits[static_cast<std::size_t>(i)] > 0) names.push_back(label_of(graph_proto_.node(i)));
      }
      throw Error(
          ErrorKind::invalid_model,
          fmt::format("{} nodes wait for each other in a cycle: {}{}", count - static_cast<int>(result.size()),
                      fmt::join(names, ", "), static_cast<std::size_t>(count) - result.size() > names.size() ? ", ..." : ""));
    }
    return result;
  }

  void read_node(::onnx::NodeProto& proto) {
    NodeImport node{NodeReader(proto, opset_), model_.graph, proto.name(), {}, {}, used_, model_.notes};
    try {
      for (const std::string& input : proto.input()) node.inputs.push_back(input.empty() ? ValueId::none() : values_.at(input));
      node.outputs.assign(proto.output().begin(), proto.output().end());
      while (node.outputs.size() > 1 && node.outputs.back().empty()) node.outputs.pop_back();
      if (node.outputs.empty()) throw Error(ErrorKind::invalid_model, "the node has no output");
      const std::string domain = domain_of(proto.domain());
      const OpRow* row = domain.empty() ? find_op(proto.op_type()) : nullptr;
      Op op = row != nullptr ? import_known(*row, node) : Op(Opaque{domain, proto.op_type(), node.attributes.all()});
      for (const std::string& name : node.attributes.unread()) {
        note(fmt::format("{}: attribute '{}' is not known and was not read", label_of(proto), name));
      }
      add_node(proto, node, std::move(op));
    } catch (Error& error) {
      const std::string label = label_of(proto);
      // append() names the node by itself.
      if (!std::string_view(error.what()).starts_with("node '")) error.add_context(label);
      throw;
    }
  }

  Op import_known(const OpRow& row, NodeImport& node) {
    if (row.type != "Constant" && (node.inputs.empty() || (node.inputs.front().is_none()))) {
      throw Error(ErrorKind::invalid_model, "the node has no input");
    }
    return row.import(node);
  }

  void add_node(const ::onnx::NodeProto& proto, NodeImport& node, Op op) {
    while (!node.inputs.empty() && node.inputs.back().is_none()) node.inputs.pop_back();
    ValueId id;
    if (auto* constant = std::get_if<Constant>(&op)) {
      id = model_.graph.add_constant(node.outputs.front(), std::move(constant->value));
      model_.graph.node(id.node).name = node.name.empty() ? node.outputs.front() : node.name;
    } else {
      id = model_.graph.append(std::move(op), node.inputs, node.name, node.outputs);
    }
    Node& made = model_.graph.node(id.node);
    made.doc_string = proto.doc_string();
    for (const auto& entry : proto.metadata_props()) made.metadata[entry.key()] = entry.value();
    for (std::size_t slot = 0; slot < made.outputs.size(); ++slot) {
      if (!made.outputs[slot].name.empty())
        values_.emplace(made.outputs[slot].name, ValueId{id.node, static_cast<std::int32_t>(slot)});
    }
  }

  void read_outputs() {
    std::vector<ValueId> outputs;
    for (const auto& output : graph_proto_.output()) {
      const auto value = values_.find(output.name());
      if (value == values_.end()) {
        throw Error(ErrorKind::invalid_model,
                    fmt::format("graph output '{}' is made by no node, initializer or graph input", output.name()));
      }
      outputs.push_back(value->second);
    }
    if (outputs.empty()) throw Error(ErrorKind::invalid_model, "the graph has no output");
    model_.graph.set_outputs(std::move(outputs));
  }

  ::onnx::ModelProto& proto_;
  ::onnx::GraphProto& graph_proto_;
  const ReadOptions& options_;
  ExternalFiles external_;
  Model model_;
  std::int64_t opset_ = 1;
  std::set<std::string> used_;
  std::unordered_map<std::string, ValueId> values_;
};

Model read_proto(::onnx::ModelProto& proto, const std::string& name, const std::filesystem::path& folder,
                 const ReadOptions& options) {
  try {
    if (!proto.has_graph() || (proto.graph().node_size() == 0 && proto.graph().output_size() == 0)) {
      throw Error(ErrorKind::invalid_model, "is no ONNX model: it holds no graph");
    }
    return Reader(proto, folder, options).run();
  } catch (Error& error) {
    error.add_context(name);
    throw;
  }
}

void refuse(const std::string& name, std::string_view head, std::size_t size) {
  if (size == 0) throw Error(ErrorKind::invalid_model, name + ": is empty");
  if (const std::string what = identify(head); !what.empty()) throw Error(ErrorKind::invalid_model, name + ": " + what);
  if (size > most_bytes) {
    throw Error(
        ErrorKind::invalid_model,
        fmt::format("{}: is {} bytes, more than a Protobuf message can have: its weights belong into external data", name, size));
  }
}

[[noreturn]] void refuse_damaged(const std::string& name, std::size_t size) {
  throw Error(ErrorKind::invalid_model, fmt::format("{}: is no ONNX model, or is damaged or truncated ({} bytes)", name, size));
}

// Protobuf complains to stderr by itself; what went wrong is in our own error.
void silence_protobuf() {
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}

}  // namespace

Model read(const std::filesystem::path& file, const ReadOptions& options) {
  silence_protobuf();
  const std::string name = file.string();
  const auto fail = [&] {
    return Error(ErrorKind::invalid_model, fmt::format("{}: cannot be opened: {}", name, std::strerror(errno)));
  };
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw fail();
  // The stream closes it, whatever happens.
  google::protobuf::io::FileInputStream stream(fd, 1 << 20);
  stream.SetCloseOnDelete(true);
  struct stat status {};
  if (fstat(fd, &status) != 0) throw fail();
  if (S_ISDIR(status.st_mode)) throw Error(ErrorKind::invalid_model, name + ": is a folder, expected a model file");
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::invalid_model, name + ": is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  std::array<char, 512> head{};
  const ssize_t got = pread(fd, head.data(), head.size(), 0);
  if (got < 0) throw fail();
  refuse(name, {head.data(), static_cast<std::size_t>(got)}, size);
  ::onnx::ModelProto proto;
  if (!proto.ParseFromZeroCopyStream(&stream)) refuse_damaged(name, size);
  return read_proto(proto, name, file.parent_path(), options);
}

Model read(std::span<const std::byte> bytes, const std::string& name, const std::filesystem::path& folder,
           const ReadOptions& options) {
  silence_protobuf();
  refuse(name, {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 512)}, bytes.size());
  ::onnx::ModelProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) refuse_damaged(name, bytes.size());
  return read_proto(proto, name, folder, options);
}

Model read_text(const std::string& text) {
  ::onnx::ModelProto proto;
  const auto status = ::onnx::OnnxParser::Parse(proto, text.c_str());
  if (!status.IsOK()) throw Error(ErrorKind::invalid_model, "text: " + status.ErrorMessage());
  return read_proto(proto, "text", {}, {});
}

}  // namespace resnet::onnx
