// The checkpoints of one run: its last steps, for whoever goes on with it.
#pragma once
#include <filesystem>

#include "experiments/observer.h"
#include "experiments/training/best_weights.h"
#include "experiments/training/trainer.h"

namespace subband {

class RunCheckpoints {
 public:
  /// `folder` empty: nothing is written or found. `recipe` and `observer` must outlive this.
  RunCheckpoints(const Recipe& recipe, std::filesystem::path folder, Observer& observer)
      : recipe_(recipe), folder_(std::move(folder)), observer_(observer) {}

  /// Puts trainer and best estimate where the newest intact checkpoint left them; seconds of training so far, 0 where
  /// there is none. Error where it is another run's.
  double resume(Trainer& trainer, BestWeights& best);
  /// Writes where they stand, unless that step is written already; the newest two stay.
  void write(const Trainer& trainer, const BestWeights& best, double seconds);
  /// A checkpoint of now without its tensors.
  Checkpoint outline(const Trainer& trainer, double seconds) const;

 private:
  const Recipe& recipe_;
  std::filesystem::path folder_;
  Observer& observer_;
  int64_t written_ = -1;  // step of the newest
};

}  // namespace subband
