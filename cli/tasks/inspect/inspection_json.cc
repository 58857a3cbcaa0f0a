#include <nlohmann/json.hpp>

#include "cli/tasks/inspect/inspection.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Graph& graph, std::span<const ValueId> values) {
  Json list = Json::array();
  for (const ValueId value : values) {
    const Fact& fact = graph.fact(value);
    Json shape;
    if (fact.dims) {
      shape = Json::array();
      for (const Dim& dim : *fact.dims) shape.push_back(dim.is_number() ? Json(dim.number()) : Json(dim.to_string()));
    }
    list.push_back({{"name", graph.value(value).name},
                    {"type", fact.dtype ? Json(resnet::name_of(*fact.dtype)) : Json()},
                    {"shape", shape}});
  }
  return list;
}

Json json_of(const arch::Recognition& r) {
  const arch::Spec& s = r.spec;
  Json differences = Json::array();
  for (const arch::Difference& d : r.differences)
    differences.push_back({{"node", d.node}, {"found", d.found}, {"expected", d.expected}});
  const char* const norms[] = {"apart", "folded", "partly folded", "none"};
  return {{"name", s.name},
          {"description", arch::describe(s)},
          {"exact", r.is_exact()},
          {"variant", arch::name_of(s.variant)},
          {"shortcut", arch::name_of(s.shortcut)},
          {"blocks", s.blocks},
          {"block", word_of(s.block)},
          {"pre_activation", s.pre_activation},
          {"groups", s.groups},
          {"width_per_group", s.width_per_group},
          {"classes", s.classes},
          {"batch_norm", norms[static_cast<std::size_t>(r.batch_norm)]},
          {"softmax", r.has_softmax},
          {"differences", differences}};
}

Json json_of(const table::Cell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return {};
}

Json json_of(const table::Table& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows()) {
    Json object;
    for (std::size_t i = 0; i < row.size(); ++i) object[table.columns()[i].name] = json_of(row[i]);
    rows.push_back(std::move(object));
  }
  return rows;
}

Json json_of(const Preprocessing& p) {
  const char* const interpolations[] = {"bilinear", "bicubic", "lanczos"};
  const auto side = [](const std::optional<int>& pixels) { return pixels ? Json(*pixels) : Json(); };
  return {{"name", p.name},
          {"resize", side(p.resize)},
          {"crop_size", side(p.crop_size)},
          {"interpolation", interpolations[static_cast<std::size_t>(p.interpolation)]},
          {"channel_order", p.channel_order == ChannelOrder::rgb ? "rgb" : "bgr"},
          {"scale", p.scale},
          {"mean", p.mean},
          {"std", p.std},
          {"exif", p.exif},
          {"crop_mode", word_of(p.crop_mode)},
          {"crop_corner", word_of(p.crop_corner)},
          {"crop_pct", p.crop_pct ? Json(*p.crop_pct) : Json()}};
}

// Null where it depends on a size that is not known.
Json known(const InspectedRow& row, std::int64_t count) { return count == 0 && row.cost.not_counted > 0 ? Json() : Json(count); }

// Of a network some of whose operators are not known here.
Json json_of(const analysis::NotRun& not_run, const Graph& graph) {
  Json operators = Json::array(), outputs = Json::array();
  for (const analysis::NotRun::Kind& kind : not_run.kinds) operators.push_back({{"op", kind.op}, {"count", kind.count}});
  for (const ValueId value : not_run.cut) outputs.push_back(graph.value(value).name);
  return {{"operators", operators}, {"cut_at_outputs", outputs}};
}

Json layers_of(const Inspection& i) {
  Json layers = Json::array();
  for (const InspectedRow& row : i.rows) {
    layers.push_back({{"name", row.name},
                      {"op", row.op},
                      {"stage", row.stage_name},
                      {"block", row.block_name},
                      {"input_shapes", row.input_shapes},
                      {"output_shapes", row.output_shapes},
                      {"kernel", row.kernel},
                      {"stride", row.stride},
                      {"pads", row.pads},
                      {"groups", row.groups},
                      {"parameters", row.cost.parameters},
                      {"buffers", row.cost.buffers},
                      {"activations", known(row, row.cost.activations)},
                      {"macs", known(row, row.cost.macs)}});
  }
  return layers;
}

Json document_of(const Inspection& i, const Extra& extra) {
  const Provenance& p = i.model.provenance;
  Json model = {{"name", i.name}, {"network", i.recognition ? json_of(*i.recognition) : Json()}};
  if (!p.format.empty()) {
    model["format"] = p.format;
    model["ir_version"] = p.ir_version;
    model["opsets"] = p.opsets;
    model["producer_name"] = p.producer_name;
    model["producer_version"] = p.producer_version;
  }
  model["labels"] = i.model.labels;
  model["preprocessing"] = i.model.preprocessing ? json_of(*i.model.preprocessing) : Json();
  model["metadata"] = i.model.metadata;
  model["notes"] = i.model.notes;
  Json operators = Json::object();
  for (const Node& node : i.model.graph.nodes()) {
    if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) continue;
    Json& count = operators[type_of(node.op)];
    count = (count.is_null() ? 0 : count.get<int>()) + 1;
  }
  Json result = {{"model", model},
                 {"inputs", json_of(i.shown, i.shown.inputs())},
                 {"outputs", json_of(i.shown, i.shown.outputs())},
                 {"totals",
                  {{"macs", i.total.macs},
                   {"flops", 2 * i.total.macs},
                   {"parameters", i.total.parameters},
                   {"buffers", i.total.buffers},
                   {"activations", i.total.activations},
                   {"batch", i.batch},
                   {"batch_norm_elements", i.total.norm_elements},
                   {"relu_elements", i.total.relu_elements},
                   {"add_elements", i.total.add_elements},
                   {"weight_bytes", i.memory.weights},
                   {"peak_activation_bytes", i.memory.peak_activations},
                   {"operators", operators}}},
                 {"conventions", json_of(convention_table(i))},
                 {"layers", layers_of(i)}};
  if (!i.not_run.kinds.empty()) result["cannot_run"] = json_of(i.not_run, i.shown);
  if (i.total.not_counted > 0) {
    result["totals"]["layers_left_out"] = i.total.not_counted;
    result["totals"]["left_out"] = left_out_text(i);
  }
  if (extra.weights) result["weights"] = json_of(weight_table(i));
  if (extra.quantization) result["quantization"] = json_of(quantization_table(i));
  return result;
}

std::string text_of(const Json& document) { return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string to_json(const Inspection& i, const Extra& extra) { return text_of(document_of(i, extra)); }

std::string to_json(const Inspection& a, const Inspection& b) {
  return text_of({{"a", document_of(a, {})}, {"b", document_of(b, {})}});
}

}  // namespace resnet::cli
