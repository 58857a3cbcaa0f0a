// A part of a network: between values that are asked for by their names.
#pragma once

#include <string>
#include <vector>

#include "lib/model/model.h"
#include "lib/passes/passes.h"

namespace resnet::cli {

// Names are of values, or of nodes for their first outputs; none stand for the model's own. Labels stay with the scores that they
// are of, and the preparation with the image. Throws Error(invalid) "--outputs: ..." for what nothing is named, with what is
// named nearly so, and as cut() does.
void cut_model(Model& model, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs, PassLog& log);

}  // namespace resnet::cli
