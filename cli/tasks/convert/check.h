// Whether a network is the same in the file that was written of it.
#pragma once

#include "cli/tasks/convert/convert.h"

namespace resnet::cli {

// Adds to the result's checks. `before` is the network as it was read, `written` the whole file, open. Both are run by the
// executor, which must not be its own judge: as many images as take few seconds are also computed by lib/reference; the context's
// observer hears where there are no such images. Many images are run in parts that take little memory. A batch that was opened is
// compared with its images one by one. Throws Error as running does.
void check_written_file(const ConvertRequest& request, const Graph& before, int written, const TaskContext& context,
                        ConvertResult& result);

}  // namespace resnet::cli
