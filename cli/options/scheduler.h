// Which of how many processes this one is, as whatever started it says in the environment.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace resnet::cli {

struct Place {
  std::size_t rank = 0;             // from 0
  std::optional<std::size_t> size;  // nothing: the scheduler does not say it
  std::string said_by;              // "SLURM_PROCID 3 of SLURM_NTASKS 4"
};

// The value of an environment variable, or null: std::getenv, or a test's own.
using Environment = std::function<const char*(const char*)>;

// The first that speaks of: Open MPI, PMI (MPICH, srun --mpi=pmi2), Slurm (an array's elements times the processes of srun's
// step), Grid Engine, LSF, Flux, AWS Batch, Google Batch, Cloud Run, Kubernetes, Nomad, PALS, jsrun, GNU parallel. This order,
// for what starts processes within another one's job knows better. Nothing where none does. Throws Error(invalid) for what is
// ambiguous: a batch script of Slurm, an array with gaps or of one element, an index of PBS, whose first is not known.
std::optional<Place> place_by_scheduler(const Environment& environment);

}  // namespace resnet::cli
