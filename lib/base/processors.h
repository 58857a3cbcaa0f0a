// The processors that this process may use: its affinity and what its cgroups grant.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace resnet {

// Below, `root` is the folder that holds proc and sys: "/", or a test's.

// Numbers of the logical processors that the calling thread may run on, ascending; empty where the system does not say.
std::vector<int> allowed_processors();

// How many physical cores these are: hyperthreads of one core count once.
std::size_t cores_of(std::span<const int> processors, const std::filesystem::path& root = "/");

// The processor time that the process's cgroups (of either version, with those above them) grant, in processors: 1.5 for 150 ms
// every 100 ms. Nothing where there is no limit.
std::optional<double> processor_quota(const std::filesystem::path& root = "/");

// Physical cores that this process may use, the quota rounded to the nearest whole number; at least 1.
std::size_t physical_cores();

// Logical processors that this process may use at once, the quota rounded up; at least 1.
std::size_t usable_processors();

}  // namespace resnet
