#include <signal.h>
#include <unistd.h>

#include <random>

#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/experiment.h"

namespace kill_test {
using namespace subband;
using config::Node;

Recipe demanding_recipe() {
  Node config = testing::tiny_config();
  config.set_at("net.dropout", Node(0.3));
  config.set_at("net.carry", Node(true));
  config.set_at("trainer.steps", Node(int64_t{3000}));
  config.set_at("trainer.checkpoint_every", Node(int64_t{7}));
  config.set_at("trainer.save_best", Node(true));
  config.set_at("trainer.evaluate_every", Node(int64_t{10}));
  config.set_at("trainer.evaluate_batches", Node(int64_t{1}));
  config.set_at("trainer.protocols", Node::list({Node("blocks")}));
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

// Runs the experiment in a process of its own and kills it after `delay_ms`; true where it was still running then.
bool run_and_kill(const Recipe& recipe, const TestFolder& folder, int delay_ms) {
  testing::Process child = testing::Process::of([&] {
    run_experiment(recipe, {.checkpoints = folder / "checkpoints", .cache = folder / "cache"});
    return 0;
  });
  ::usleep(static_cast<useconds_t>(delay_ms) * 1000);
  child.signal(SIGKILL);
  return child.wait() == -SIGKILL;
}

TEST_CASE("a run killed at twenty random instants ends with the bits of the uninterrupted one", "[kill]") {
  const Recipe recipe = demanding_recipe();
  const TestFolder whole, killed;
  run_experiment(recipe, {.checkpoints = whole / "checkpoints", .cache = whole / "cache"});
  std::mt19937 instants(20);
  int kills = 0;
  for (int i = 0; i < 20; ++i) {
    kills += run_and_kill(recipe, killed, std::uniform_int_distribution(10, 150)(instants));
  }
  CHECK(kills > 0);
  const Outcome outcome =
      run_experiment(recipe, {.checkpoints = killed / "checkpoints", .cache = killed / "cache"});
  CHECK(outcome.done());
  for (const std::string& name : {checkpoint_name(3000), std::string(kBestCheckpoint)})
    CHECK(digest(read_checkpoint(killed / "checkpoints" / name).tensors) ==
          digest(read_checkpoint(whole / "checkpoints" / name).tensors));
}

}  // namespace kill_test
