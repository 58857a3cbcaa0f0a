#include "formats/onnx/provenance.h"

#include <fmt/format.h>

#include "formats/onnx/functions.h"
#include "formats/onnx/opset.h"
#include "lib/base/error.h"

namespace resnet::onnx {

std::map<std::string, std::int64_t> opsets_of(const OpsetImports& imports) {
  std::map<std::string, std::int64_t> opsets;
  for (const auto& import : imports) {
    const std::string domain = domain_of(import.domain());
    const auto [found, is_new] = opsets.emplace(domain, import.version());
    if (!is_new && found->second != import.version()) {
      throw Error(Fault::malformed,
                  fmt::format("the opset of domain '{}' is imported as {} and as {}", domain, found->second, import.version()));
    }
    if (domain.empty() && import.version() < 1) {
      throw Error(Fault::malformed, fmt::format("opset {} does not exist, expected 1 or more", import.version()));
    }
  }
  return opsets;
}

std::int64_t read_provenance(const ::onnx::ModelProto& proto, Model& model, Notes& notes) {
  Provenance& p = model.provenance;
  p.format = "ONNX";
  p.producer_name = proto.producer_name();
  p.producer_version = proto.producer_version();
  p.domain = proto.domain();
  p.doc_string = proto.doc_string();
  p.model_version = proto.model_version();
  p.ir_version = proto.ir_version();
  p.opsets = opsets_of(proto.opset_import());
  // IR versions 1 and 2 have no opset imports: version 1.
  if (p.opsets.emplace("", 1).second && p.ir_version >= 3) notes.add("the file imports no opset of ONNX: read as opset 1");
  const std::int64_t opset = p.opsets[""];
  if (opset > newest_opset) {
    notes.add(
        fmt::format("opset {} is newer than {}, the newest known here: read as if nothing had changed", opset, newest_opset));
  }
  for (const auto& entry : proto.metadata_props()) model.metadata[entry.key()] = entry.value();
  model.graph.name = proto.graph().name();
  model.graph.doc_string = proto.graph().doc_string();
  if (proto.graph().sparse_initializer_size() > 0) throw Error(Fault::unsupported, "sparse initializers cannot be read");
  if (proto.training_info_size() > 0) notes.add("the file's training information was not read");
  return opset;
}

}  // namespace resnet::onnx
