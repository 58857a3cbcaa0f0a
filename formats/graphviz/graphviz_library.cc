#include "formats/graphviz/graphviz_library.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "lib/base/shared_library.h"

namespace resnet::graphviz {

namespace {

constexpr const char* name = RESNET_GRAPHVIZ_LIBRARY;  // "libgvc.so.6"
constexpr const char* what = "Graphviz, which draws networks";

// Graphviz keeps its parts in a folder of its own beside the library, of the same version.
std::string part_file(const std::string& folder, const std::string& part) {
  const std::string file = "libgvplugin_" + part + std::string(name).substr(std::string(name).find(".so"));
  std::error_code ignored;
  const std::string path = folder + "graphviz/" + file;
  return std::filesystem::exists(path, ignored) ? path : file;
}

GraphvizLibrary load() {
  const SharedLibrary library(name, what);
  GraphvizLibrary graphviz;
#define RESNET_GRAPHVIZ_FIND(function) library.find(#function, graphviz.function)
  RESNET_GRAPHVIZ_FUNCTIONS(RESNET_GRAPHVIZ_FIND);
#undef RESNET_GRAPHVIZ_FIND
  const std::string folder = folder_of_library(library.symbol("gvContextPlugins"));
  const SharedLibrary core(part_file(folder, "core"), what), layout(part_file(folder, "dot_layout"), what);
  graphviz.parts[0] = {"gvplugin_core_LTX_library", core.symbol("gvplugin_core_LTX_library")};
  graphviz.parts[1] = {"gvplugin_dot_layout_LTX_library", layout.symbol("gvplugin_dot_layout_LTX_library")};
  return graphviz;
}

}  // namespace

const GraphvizLibrary& graphviz_library() {
  static const GraphvizLibrary library = load();
  return library;
}

}  // namespace resnet::graphviz
