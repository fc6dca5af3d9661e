// A run of the whole program that is killed again and again ends with the same weights as one that is not.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "runs/store.h"
#include "runs/testing/scratch.h"

namespace subband::killed_run_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::Scratch;

// Starts `subband run` of a small attention model with many checkpoints; silent.
static Process start_program(const std::string& program, const fs::path& store, int steps = 3000) {
  return Process::of({program, "run", "tinyshakespeare/attention", "net.width=24", "net.layers=1",
                      "trainer.steps=" + std::to_string(steps), "trainer.batch=2", "trainer.length=32",
                      "trainer.checkpoint_every=10", "trainer.protocols=[]", "--quiet", "--json", "--store",
                      store.string()});
}

// Seconds of a whole run.
static double run_to_the_end(const std::string& program, const fs::path& store, int steps = 3000) {
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(start_program(program, store, steps).wait() == 0);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

static std::string weights_digest(const fs::path& folder) {
  Tensors weights;
  for (const auto& [name, tensor] : read_checkpoint(folder / "checkpoints").tensors)
    if (name.starts_with("model/")) weights.emplace(name, tensor);
  REQUIRE_FALSE(weights.empty());
  return digest(weights);
}

// Of the newest checkpoint, `step-120.safetensors`, of the store's only run; 0 without one.
static int64_t steps_kept(const Store& store) {
  int64_t newest = 0;
  std::error_code none;
  for (const fs::path& folder : store.folders())
    for (fs::directory_iterator entry(folder / "checkpoints", none), end; !none && entry != end; entry.increment(none)) {
      const std::string name = entry->path().stem().string();
      if (name.starts_with("step-")) newest = std::max<int64_t>(newest, std::atoll(name.c_str() + 5));
    }
  return newest;
}

TEST_CASE("a run killed at 20 random instants ends with the weights of an uninterrupted one",
          "[killed_run]") {
  if (testing::lacks_program()) return;
  const std::string program = testing::built_program();
  const Scratch scratch;
  const Store whole(scratch / "whole"), killed(scratch / "killed");
  const double all_steps = run_to_the_end(program, whole.root());
  const double start_up = run_to_the_end(program, scratch / "one_step", 1);
  std::mt19937 random(20);
  int kills = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    Process child = start_program(program, killed.root());
    // From before the first step to a thirtieth of the steps; sooner where the machine is faster than it was above.
    const double latest = start_up + std::max(0.1, all_steps - start_up) / 30;
    const double wait_s = std::uniform_real_distribution<double>(start_up / 2, latest)(random);
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < wait_s &&
           steps_kept(killed) < 100 * (attempt + 1))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    child.signal(SIGKILL);
    if (child.wait() == -SIGKILL) ++kills;
  }
  CHECK(kills == 20);
  REQUIRE(start_program(program, killed.root()).wait() == 0);
  REQUIRE(killed.folders().size() == 1);
  const RunRecord run = read_record(killed.folders()[0] / kRecordName);
  CHECK(run.status == Status::done);
  CHECK(run.resumes > 0);
  CHECK(weights_digest(killed.folders()[0]) == weights_digest(whole.folders().at(0)));
}

}  // namespace subband::killed_run_test
