// Everything that is wrong or odd in a model, at once; whether it is what somebody expects, and what the paper's Table 1 says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/tasks/inspect/paper_table.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/task.h"
#include "formats/onnx/lint.h"

namespace resnet::cli {

struct ValidateRequest {
  std::string model;                                    // a file, or an architecture's name
  ArchOptions arch;                                     // of that, or of `expect`
  std::string expect;                                   // an architecture; "": none is expected
  std::int64_t expect_macs = 0, expect_parameters = 0;  // 0: nothing is expected
  bool as_paper = false;                                // an architecture is the paper's, v1, where no variant is asked for
};

class ValidateTask {
 public:
  // Examines the model. Request and context outlive the task. Throws Error(invalid) for a name that nothing has, and what
  // `before_reading` throws; what is wrong with a file is a finding.
  ValidateTask(const ValidateRequest& request, const TaskContext& context);

  // And compares it with what is expected. Called once. Throws Error(invalid), Error(interrupted).
  std::vector<onnx::Finding> run();

 private:
  void check_expectations();
  void fail(const char* rule, const std::string& node, const std::string& message);
  void check_expected_arch(const Inspection& inspection);

  const ValidateRequest& request_;
  const TaskContext& context_;
  const ArchOptions arch_;  // of the model
  std::vector<onnx::Finding> findings_;
};

// A model beside the paper's networks, or these alone.
struct PaperReport {
  std::vector<PaperCheck> checks;
  std::string model, network;  // empty: none was named
  std::string compared_with;   // empty: Table 1 has no such network
  std::size_t missed() const;
  bool passed() const { return missed() == 0 && !checks.empty(); }
};
// Of the request's model. Throws Error: of the model.
PaperReport compare_with_paper(const ValidateRequest& request, const TaskContext& context);
// Of the five networks themselves.
PaperReport compare_with_paper(arch::Variant variant);

}  // namespace resnet::cli
