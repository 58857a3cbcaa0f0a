// The catalogue of published weights: what can be asked for by name, what it is, and under which licence. It knows no network.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::hub {

struct Entry {
  std::string_view name;             // "timm/resnet50.a1_in1k", "torchvision/resnet50.IMAGENET1K_V2", "microsoft/resnet-50"
  std::string_view architecture;     // timm's and torchvision's name
  std::int64_t classes, parameters;  // 0: nobody published the number
  int input, test_input;             // pixels a side, as published; 0 where there is none
  double top1, test_top1;            // percent, at these inputs, as its authors give it; 0 where there is no source
  std::string_view licence;          // SPDX
  std::string_view file;             // torchvision: in its folder of checkpoints
  std::string_view older_file;       // an earlier file of the same weights
  bool is_default;                   // what the architecture's name alone means there
  int resize = 0;                    // torchvision: pixels of the shorter side before the crop
};

// By organisation, then by name.
std::span<const Entry> catalogue();
// Of a name as it is asked for: a default's tag may be left out ("timm/resnet50", "torchvision/resnet50.DEFAULT"). Null where
// there is none of that name.
const Entry* find_entry(std::string_view name);
// Whose weights a file of torch's folder of checkpoints holds, by its name; null where nobody knows.
const Entry* entry_of_file(std::string_view file);
// The name of trained weights for an architecture, "timm/resnet50.a1_in1k"; empty where there are none.
std::string_view pretrained_of(std::string_view architecture);
// Those whose name or architecture holds `pattern`, in any case; `*` and `?` stand for any letters: then the whole name.
std::vector<const Entry*> matching(std::string_view pattern);
// The name of the catalogue that was most probably meant; empty where none is near.
std::string nearest_name(std::string_view name);

}  // namespace resnet::hub
