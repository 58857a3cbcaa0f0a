// Graphviz, loaded when the first diagram is drawn: most runs draw none.
#pragma once

#include <graphviz/gvc.h>
#include <graphviz/gvplugin.h>

// Every function of Graphviz that the module calls.
#define RESNET_GRAPHVIZ_FUNCTIONS(apply) \
  apply(agseterrf);                      \
  apply(agmemread);                      \
  apply(agclose);                        \
  apply(gvContextPlugins);               \
  apply(gvFreeContext);                  \
  apply(gvLayout);                       \
  apply(gvFreeLayout);                   \
  apply(gvRenderData);                   \
  apply(gvFreeRenderData)

namespace resnet::graphviz {

// The functions under their own names: graphviz_library().gvLayout(...).
struct GraphvizLibrary {
#define RESNET_GRAPHVIZ_MEMBER(function) decltype(&::function) function = nullptr
  RESNET_GRAPHVIZ_FUNCTIONS(RESNET_GRAPHVIZ_MEMBER);
#undef RESNET_GRAPHVIZ_MEMBER
  // The parts of Graphviz that are used, and no others: without its Pango part the widths of texts are Graphviz's own estimates,
  // the same on every machine whatever fonts it has.
  lt_symlist_t parts[3] = {};
};

// Loads Graphviz at the first call. Throws Error(unsupported) where it is not installed.
const GraphvizLibrary& graphviz_library();

}  // namespace resnet::graphviz
