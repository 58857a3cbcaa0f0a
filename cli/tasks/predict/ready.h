// The networks of predict, ready to run: what a run of its own and a worker of a job have in common.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/identity/identity.h"
#include "cli/tasks/predict/predict.h"
#include "cli/tasks/prepare/networks.h"
#include "formats/answers/parts.h"

namespace resnet::cli {

struct Ready {
  std::vector<Member> members;
  std::vector<std::string> facts;  // for the report
  std::vector<std::string> labels;
  std::vector<native::PreparedNetwork> fresh;
  std::vector<NetworkIdentity> identities;  // where they are asked for
};

// Made ready for this size. `tensors`: the inputs are, which nothing prepares. Throws as prepare_network, Error(unsupported) and
// Error(invalid) where the network cannot give what is asked for.
Ready make_ready(const PredictRequest& request, const answers::JobSize& size, const NetworkCache* cache, bool identify,
                 bool tensors, ThreadPool& pool, const TaskContext& context);

// What decides the answers, besides the photos themselves.
Identity identity_of(const PredictRequest& request, std::vector<NetworkIdentity> networks, std::span<const std::string> labels);

// Into the cache, what was not found there.
void keep_ready(const Ready& ready, const std::optional<NetworkCache>& cache, ThreadPool& pool, Observer& observer);

}  // namespace resnet::cli
