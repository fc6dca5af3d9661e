// The weights of a run's best validation estimate, kept as a checkpoint of their own beside those of the last steps.
// Source  WaveletLM's training script: saved where the estimate improves, except in warm-up; looked at again at the end
//         of every epoch, warm-up or not
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

class BestWeights {
 public:
  struct Plan {
    bool keeps = false;         ///< whether any are kept
    bool after_warmup = false;  ///< estimates in warm-up do not count
    int64_t warmup = 0;         ///< its steps
    int64_t epoch = 0;          ///< steps of an epoch; 0: it never ends
    int64_t steps = 0;          ///< of the run
  };
  /// `folder` empty: the weights stay in memory.
  BestWeights(const Plan& plan, std::filesystem::path folder);

  bool keeps() const { return plan_.keeps; }
  int64_t step() const { return step_; }  ///< after which the best estimate was made; 0: none counted yet
  double loss() const { return loss_; }   ///< of that estimate
  std::filesystem::path file() const { return folder_ / kBestCheckpoint; }

  /// Whether an estimate is due after `step` whatever the recipe's interval: an epoch ends there, or the run.
  bool is_due(int64_t step) const;
  /// Whether an estimate after `step` counts and is lower than all before. NaN is not.
  bool improves(int64_t step, double loss) const;
  /// Keeps `weights`, whose step tells when, as those of the estimate `loss`.
  void keep(Checkpoint weights, double loss);
  /// What was kept. Error where the file is gone or damaged.
  Checkpoint read() const;
  /// Error where a best estimate was loaded and the file of its weights is gone or damaged: a run that goes on would
  /// find that out at its end.
  void check_file() const;

  /// The best estimate so far, in a checkpoint of the run.
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

 private:
  Plan plan_;
  std::filesystem::path folder_;
  std::optional<Checkpoint> held_;  // without a folder
  double loss_ = std::numeric_limits<double>::infinity();
  int64_t step_ = 0;
};

}  // namespace subband
