// The checkpoints of one run: its last steps, for whoever goes on with it.
#pragma once
#include <filesystem>

#include "experiments/observer.h"
#include "experiments/training/checkpoints/best_weights.h"
#include "experiments/training/machine.h"
#include "experiments/training/trainer.h"

namespace subband {

class RunCheckpoints {
 public:
  struct Place {
    std::filesystem::path folder;  ///< empty: nothing is written or found
    bool other_machine = false;    ///< a run goes on although operations run in another way than before
  };
  /// `recipe`, `observer` and `ops`, which counts what runs, must outlive this.
  RunCheckpoints(const Recipe& recipe, Place place, Observer& observer, const OpPaths& ops)
      : recipe_(recipe), place_(std::move(place)), observer_(observer), ops_(ops), about_(about_model(recipe)) {}

  /// Puts trainer and best estimate where the newest intact checkpoint left them; seconds of training so far, 0 where
  /// there is none. Error where it is another run's, or another machine's.
  double resume(Trainer& trainer, BestWeights& best);
  /// Writes where they stand, unless that step is written already; the newest two stay.
  void write(const Trainer& trainer, const BestWeights& best, double seconds);
  /// Error where a run that goes on takes another path than before; asked when its first step is done.
  void check_machine();
  /// A checkpoint of now without its tensors.
  Checkpoint outline(const Trainer& trainer, double seconds) const;

 private:
  MachineTrace machine() const { return {instruction_set(), ops_.uses()}; }
  void accept(const std::vector<std::string>& differences) const;

  const Recipe& recipe_;
  Place place_;
  Observer& observer_;
  const OpPaths& ops_;
  AboutModel about_;      // read once: its files may go while the run goes on
  MachineTrace before_;   // of earlier starts
  int64_t written_ = -1;  // step of the newest
};

}  // namespace subband
