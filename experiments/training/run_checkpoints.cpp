#include "experiments/training/run_checkpoints.h"

#include <fmt/format.h>

#include "core/error.h"

namespace subband {

double RunCheckpoints::resume(Trainer& trainer, BestWeights& best) {
  if (folder_.empty()) return 0;
  const auto newest = newest_checkpoint(folder_, [&](const std::string& line) { observer_.noted(line); });
  if (!newest) return 0;
  const Checkpoint checkpoint = read_checkpoint(*newest);
  if (checkpoint.trajectory != trajectory_id(recipe_)) {
    throw Error(newest->string(),
                "checkpoint of another run: recipe or seed differ from the present ones; "
                "take an empty folder for this one");
  }
  trainer.load(checkpoint);
  best.load(checkpoint);
  best.check_file();
  written_ = checkpoint.step;
  observer_.noted(fmt::format("resumed at step {} from {}", checkpoint.step, newest->filename().string()));
  return checkpoint.seconds;
}

Checkpoint RunCheckpoints::outline(const Trainer& trainer, double seconds) const {
  return {.config = recipe_.resolved,
          .recipe = recipe_.name,
          .trajectory = trajectory_id(recipe_),
          .vocabulary = recipe_.vocabulary,
          .step = trainer.steps_done(),
          .tokens = trainer.tokens_seen(),
          .seconds = seconds};
}

void RunCheckpoints::write(const Trainer& trainer, const BestWeights& best, double seconds) {
  if (folder_.empty() || written_ == trainer.steps_done()) return;
  Checkpoint state = outline(trainer, seconds);
  trainer.save(state);
  best.save(state);
  const auto file = folder_ / checkpoint_name(state.step);
  write_checkpoint(file, state);
  prune_checkpoints(folder_, 2);
  written_ = state.step;
  observer_.checkpointed(state.step, file);
}

}  // namespace subband
