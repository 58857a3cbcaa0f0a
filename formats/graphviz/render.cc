#include "formats/graphviz/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "formats/graphviz/graphviz_library.h"
#include "lib/base/error.h"

namespace resnet::graphviz {

namespace {

// The text between quotes in DOT: Graphviz reads backslashes itself, and refuses what is not UTF-8.
std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      quoted += "&amp;";  // Graphviz reads HTML's entities in every text
    } else if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      quoted += fmt::format("\\\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string quote_lines(const std::vector<std::string>& lines) {
  std::string joined = "\"";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string quoted = quote(lines[i]);
    if (i > 0) joined += "\\n";
    joined.append(quoted, 1, quoted.size() - 2);
  }
  return joined + "\"";
}

// Wider than Graphviz thinks that the words need: the font that shows them may be another one.
std::vector<std::string> with_room(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    const std::string room(1 + line.size() / 8, ' ');
    line = room + line + room;
  }
  return lines;
}

std::string_view color_of(Role role) {
  switch (role) {
    case Role::input: return "#e8e8e8";
    case Role::output: return "#e8e8e8";
    case Role::convolution: return "#cfe2f3";
    case Role::normalization: return "#fff2cc";
    case Role::activation: return "#fce5cd";
    case Role::addition: return "#d9ead3";
    case Role::pool: return "#ead1dc";
    case Role::classifier: return "#d9d2e9";
    case Role::block: return "#cfe2f3";
    case Role::other: return "#ffffff";
  }
  __builtin_unreachable();
}

void add_box(std::string& dot, const Box& box, std::string_view indent) {
  dot += fmt::format("{}{} [label={}, fillcolor=\"{}\"", indent, quote(box.id), quote_lines(box.lines), color_of(box.role));
  if (box.round) dot += ", shape=circle, fixedsize=true, width=0.24, margin=0";
  if (!box.tooltip.empty()) dot += ", tooltip=" + quote(box.tooltip);
  dot += "];\n";
}

// Graphviz prints its complaints to stderr unless it is given another way; the last one is kept for the error.
std::string last_complaint;
int complain(char* text) {
  last_complaint += text;
  return 0;
}

// Graphviz draws frames in the order of addresses in its memory: here they stand in their own order, and so the same diagram
// gives the same bytes.
std::string with_frames_in_order(const std::string& svg) {
  constexpr std::string_view begin = "<g id=\"clust", end = "</g>\n", title = "<title>cluster_";
  std::map<int, std::string> frames;
  std::string result;
  std::size_t at = 0, first = std::string::npos;
  for (std::size_t found = svg.find(begin); found != std::string::npos; found = svg.find(begin, at)) {
    result += svg.substr(at, found - at);
    if (first == std::string::npos) first = result.size();
    at = svg.find(end, found) + end.size();
    std::string frame = svg.substr(found, at - found);
    const int number = std::atoi(frame.c_str() + frame.find(title) + title.size());
    const std::size_t quote = frame.find('"', begin.size());
    frame.replace(begin.size(), quote - begin.size(), std::to_string(number + 1));
    frames.emplace(number, std::move(frame));
  }
  if (first == std::string::npos) return svg;
  result += svg.substr(at);
  std::string all;
  for (const auto& [number, frame] : frames) all += frame;
  return result.insert(first, all);
}

}  // namespace

std::string to_dot(const Diagram& diagram) {
  std::string dot = "digraph network {\n";
  dot += fmt::format(
      "  graph [label={}, labelloc=t, fontname=\"Helvetica\", fontsize=12, rankdir=TB, nodesep=0.35, ranksep=0.22, pad=0.1];\n",
      quote_lines(with_room(diagram.title)));
  dot +=
      "  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontsize=11, color=\"#555555\", height=0.3, "
      "width=1.8, "
      "margin=\"0.2,0.06\"];\n";
  dot += "  edge [color=\"#555555\", arrowsize=0.7, weight=10];\n";
  // Boxes of one group stand together in its frame, in the order of their first box.
  std::vector<std::string> groups;
  for (const Box& box : diagram.boxes) {
    if (box.group.empty()) {
      add_box(dot, box, "  ");
    } else if (std::find(groups.begin(), groups.end(), box.group) == groups.end()) {
      groups.push_back(box.group);
    }
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    dot += fmt::format("  subgraph cluster_{} {{\n    label={};\n    labeljust=l;\n    color=\"#bbbbbb\";\n    style=rounded;\n",
                       i, quote(groups[i]));
    for (const Box& box : diagram.boxes) {
      if (box.group == groups[i]) add_box(dot, box, "    ");
    }
    dot += "  }\n";
  }
  for (const Arrow& arrow : diagram.arrows) {
    std::vector<std::string> attributes;
    if (!arrow.tooltip.empty()) attributes.push_back("tooltip=" + quote(arrow.tooltip));
    if (arrow.dashed) attributes.push_back("style=dashed");
    if (arrow.side) attributes.push_back("weight=0, tailport=e, headport=e");
    std::string list;
    for (const std::string& attribute : attributes) list += (list.empty() ? "" : ", ") + attribute;
    dot += fmt::format("  {} -> {}{};\n", quote(arrow.from), quote(arrow.to), list.empty() ? "" : " [" + list + "]");
  }
  return dot + "}\n";
}

std::string to_svg(const Diagram& diagram) {
  static std::mutex one_at_a_time;  // Graphviz keeps global state
  const std::lock_guard lock(one_at_a_time);
  last_complaint.clear();
  const GraphvizLibrary& library = graphviz_library();
  library.agseterrf(complain);
  const std::string dot = to_dot(diagram);
  const std::unique_ptr<GVC_t, int (*)(GVC_t*)> context(library.gvContextPlugins(library.parts, 0), library.gvFreeContext);
  const std::unique_ptr<Agraph_t, int (*)(Agraph_t*)> graph(library.agmemread(dot.c_str()), library.agclose);
  const auto fail = [] { return Error(Fault::internal, "Graphviz cannot draw the network: " + last_complaint); };
  if (!context || !graph || library.gvLayout(context.get(), graph.get(), "dot") != 0) throw fail();
  char* data = nullptr;
  unsigned length = 0;
  const int status = library.gvRenderData(context.get(), graph.get(), "svg", &data, &length);
  std::string svg = status == 0 && data != nullptr ? std::string(data, length) : std::string();
  if (data != nullptr) library.gvFreeRenderData(data);
  library.gvFreeLayout(context.get(), graph.get());
  if (svg.empty()) throw fail();
  return with_frames_in_order(svg);
}

}  // namespace resnet::graphviz
