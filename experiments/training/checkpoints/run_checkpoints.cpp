#include "experiments/training/checkpoints/run_checkpoints.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"

namespace subband {

double RunCheckpoints::resume(Trainer& trainer, BestWeights& best) {
  if (place_.folder.empty()) return 0;
  const auto newest =
      newest_checkpoint(place_.folder, [&](const std::string& line) { observer_.noted(line); });
  if (!newest) return 0;
  const Checkpoint checkpoint = read_checkpoint(*newest);
  if (checkpoint.trajectory != trajectory_id(recipe_)) {
    throw Error(newest->string(),
                "checkpoint of another run: recipe or seed differ from the present ones; "
                "take an empty folder for this one");
  }
  before_ = read_machine(checkpoint.machine);
  accept(machine_differences(before_, {instruction_set(), {}}));
  trainer.load(checkpoint);
  best.load(checkpoint);
  best.check_file();
  written_ = checkpoint.step;
  observer_.noted(fmt::format("resumed at step {} from {}", checkpoint.step, newest->filename().string()));
  return checkpoint.seconds;
}

void RunCheckpoints::accept(const std::vector<std::string>& differences) const {
  if (differences.empty()) return;
  const std::string all = join(differences, "; ");
  if (!place_.other_machine)
    throw Error(place_.folder.string(),
                "machine: " + all +
                    ": the last bits would differ from there on; go on where it began, or "
                    "here with --other-machine");
  observer_.noted("other machine: " + all);
}

void RunCheckpoints::check_machine() { accept(machine_differences(before_, {"", ops_.uses()})); }

Checkpoint RunCheckpoints::outline(const Trainer& trainer, double seconds) const {
  return {.config = kept_config(recipe_),
          .recipe = recipe_.name,
          .trajectory = trajectory_id(recipe_),
          .vocabulary = recipe_.vocabulary,
          .step = trainer.steps_done(),
          .tokens = trainer.tokens_seen(),
          .seconds = seconds,
          .machine = machine_text(merged(before_, machine())),
          .about = about_};
}

void RunCheckpoints::write(const Trainer& trainer, const BestWeights& best, double seconds) {
  if (place_.folder.empty() || written_ == trainer.steps_done()) return;
  Checkpoint state = outline(trainer, seconds);
  trainer.save(state);
  best.save(state);
  const auto file = place_.folder / checkpoint_name(state.step);
  write_checkpoint(file, state);
  prune_checkpoints(place_.folder, 2);
  written_ = state.step;
  observer_.checkpointed(state.step, file);
}

}  // namespace subband
