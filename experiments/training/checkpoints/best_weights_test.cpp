#include "experiments/training/checkpoints/best_weights.h"

#include <ATen/ATen.h>

#include <set>

#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/experiment.h"

namespace best_weights_test {
using namespace subband;
using config::Node;
namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Checkpoint weights(int64_t step, double value) {
  Checkpoint checkpoint{.config = Node::map(), .recipe = "tiny", .step = step};
  checkpoint.tensors["model/w"] = at::full({2}, value);
  return checkpoint;
}

TEST_CASE("an estimate counts where it is the lowest so far; none in warm-up, save where an epoch ends",
          "[best_weights]") {
  const BestWeights::Plan plan{.keeps = true, .warmup = 5, .epoch = 4, .steps = 10};
  BestWeights always(plan, ""), none({.steps = 10}, "");
  CHECK(always.improves(1, 3.0));
  CHECK_FALSE(always.improves(1, kNan));
  CHECK_FALSE(always.improves(1, std::numeric_limits<double>::infinity()));
  always.keep(weights(1, 0), 3.0);
  CHECK_FALSE(always.improves(2, 3.0));
  CHECK_FALSE(always.improves(2, kNan));
  CHECK(always.improves(2, 2.9));
  CHECK_FALSE(none.improves(9, 1.0));

  BestWeights::Plan careful = plan;
  careful.after_warmup = true;
  BestWeights late(careful, "");
  for (const int64_t step : {1, 2, 3}) CHECK_FALSE(late.improves(step, 1.0));
  CHECK(late.improves(4, 1.0));  // the end of an epoch
  CHECK(late.improves(5, 1.0));  // the rate has reached its peak
  CHECK(late.improves(6, 1.0));
}

TEST_CASE("an estimate is due at the end of every epoch and of the run", "[best_weights]") {
  const auto due = [](const BestWeights::Plan& plan) {
    const BestWeights best(plan, "");
    std::vector<int64_t> steps;
    for (int64_t step = 1; step <= 10; ++step)
      if (best.is_due(step)) steps.push_back(step);
    return steps;
  };
  CHECK(due({.keeps = true, .epoch = 4, .steps = 10}) == std::vector<int64_t>{4, 8, 10});
  CHECK(due({.keeps = true, .epoch = 0, .steps = 10}) == std::vector<int64_t>{10});
  CHECK(due({.keeps = false, .epoch = 4, .steps = 10}).empty());
}

TEST_CASE("what is kept can be read, in memory or from its file, and outlives what becomes of the net",
          "[best_weights]") {
  const TestFolder folder;
  for (const fs::path& place : {fs::path(), folder.path()}) {
    BestWeights best({.keeps = true, .steps = 10}, place);
    Checkpoint now = weights(3, 0.25);
    const at::Tensor w = now.tensors.at("model/w");
    best.keep(now, 2.5);
    w.fill_(7);
    CHECK(at::equal(best.read().tensors.at("model/w"), at::full({2}, 0.25)));
    CHECK(best.read().step == 3);
    CHECK(best.step() == 3);
    CHECK(best.loss() == 2.5);
    Checkpoint state;
    best.save(state);
    BestWeights resumed({.keeps = true, .steps = 10}, place);
    resumed.load(state);
    CHECK(resumed.step() == 3);
    CHECK_FALSE(resumed.improves(4, 2.5));
    CHECK(resumed.improves(4, 2.4));
  }
  CHECK(fs::exists(folder / "best.safetensors"));
  write_file(folder / "best.safetensors", "torn");
  BestWeights best({.keeps = true, .steps = 10}, folder.path());
  CHECK_THROWS_AS(best.read(), Error);
  CHECK_NOTHROW(best.check_file());  // no estimate has counted
}

// --- in a run

struct Listener final : Observer {
  std::vector<std::pair<int64_t, Metrics>> measurements;
  std::vector<int64_t> kept;
  std::vector<std::string> notes;
  int64_t stop_after = -1;
  std::atomic<bool> stop = false;

  void stepped(const StepEvent& event) override { stop = stop || event.step == stop_after; }
  void measured(int64_t step, const Metrics& metrics) override { measurements.emplace_back(step, metrics); }
  void checkpointed(int64_t step, const fs::path& file) override {
    if (file.filename() == kBestCheckpoint) kept.push_back(step);
  }
  void noted(const std::string& line) override { notes.push_back(line); }
};

using Changes = std::vector<std::pair<std::string, Node>>;

// A rate that first helps and then hurts, so that the best weights are not the last.
Recipe recipe(const Changes& changes = {}) {
  Node config = testing::tiny_config();
  config.set_at("net.dropout", Node(0.3));
  config.set_at("net.carry", Node(true));
  config.set_at("optimizer.lr", Node(0.9));
  config.set_at("trainer.diverged_above", Node(0.0));
  config.set_at("trainer.steps", Node(int64_t{40}));
  config.set_at("schedule.type", Node("constant"));
  config.set_at("trainer.evaluate_every", Node(int64_t{3}));
  config.set_at("trainer.evaluate_batches", Node(int64_t{3}));
  config.set_at("trainer.save_best", Node(true));
  config.set_at("trainer.protocols", Node::list({Node("blocks")}));
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

Outcome run(const Recipe& recipe, const TestFolder& folder, Listener& listener) {
  return run_experiment(recipe, {.checkpoints = folder / "checkpoints",
                                 .cache = folder / "cache",
                                 .observer = &listener,
                                 .stop = &listener.stop});
}

TEST_CASE("a run whose best weights are damaged or gone is refused when it is resumed", "[best_weights]") {
  const TestFolder folder;
  Listener first;
  first.stop_after = 13;
  CHECK(run(recipe(), folder, first).status == Status::stopped);
  const fs::path file = folder.path() / "checkpoints" / kBestCheckpoint;
  std::string bytes = read_file(file);
  bytes[bytes.size() - 3] ^= 1;
  write_file(file, bytes);
  Listener second;
  CHECK_THROWS_WITH(run(recipe(), folder, second),
                    Catch::StartsWith(file.string() + ": the best weights, those of step ") &&
                        Catch::EndsWith("; --force computes the run again"));
  fs::remove(file);
  CHECK_THROWS_AS(run(recipe(), folder, second), Error);
  CHECK(second.measurements.empty());
}

// Step and loss of the lowest estimate from step `first` on.
std::pair<int64_t, double> lowest(const Listener& listener, int64_t first = 0) {
  std::pair<int64_t, double> best{0, std::numeric_limits<double>::infinity()};
  for (const auto& [step, metrics] : listener.measurements) {
    const auto loss = metrics.find("valid.loss_estimate");
    if (loss != metrics.end() && step >= first && loss->second < best.second) best = {step, loss->second};
  }
  return best;
}

TEST_CASE("a run keeps and measures the weights of its best estimate", "[best_weights]") {
  const TestFolder folder, shorter;
  Listener listener, quiet;
  const Outcome outcome = run(recipe(), folder, listener);
  REQUIRE(outcome.done());
  const auto [step, loss] = lowest(listener);
  REQUIRE(step > 0);
  REQUIRE(step < 40);
  CHECK(outcome.metrics.at("valid.best_step") == static_cast<double>(step));
  CHECK(outcome.metrics.at("valid.best_loss_estimate") == loss);
  CHECK(listener.kept.back() == step);
  std::set<int64_t> looked;
  for (const auto& [at, metrics] : listener.measurements) looked.insert(at);
  for (const int64_t at : {3, 25, 39, 40}) CHECK(looked.contains(at));  // also where an epoch or the run ends
  CHECK(looked.size() == 15);
  const Checkpoint best = read_checkpoint(folder / "checkpoints" / kBestCheckpoint);
  CHECK(best.step == step);
  CHECK(digest(read_checkpoint(folder.path()).tensors) ==
        digest(best.tensors));  // what a run's folder is read as

  // The weights are those that the same run has after that many steps.
  run(recipe({{"trainer.steps", Node(step)}, {"trainer.save_best", Node(false)}}), shorter, quiet);
  const Checkpoint last = read_checkpoint(shorter / "checkpoints" / checkpoint_name(step));
  for (const auto& [name, tensor] : last.tensors)
    if (name.starts_with("model/")) CHECK(at::equal(best.tensors.at(name), tensor));
  const auto net = restore_net(testing::tiny_parts(), best);
  const Recipe same = recipe();
  for (const Measurement& each : make_task(same)->measurements(task_use(same, at::kCPU, folder / "cache")))
    if (each.split == "test") CHECK(each.measure(*net).at("test.loss") == outcome.metrics.at("test.loss"));
}

TEST_CASE("estimates in warm-up do not count, save where an epoch ends", "[best_weights]") {
  const Changes warm = {{"schedule.warmup", Node(int64_t{30})},
                        {"trainer.save_best_after_warmup", Node(true)}};
  const TestFolder a, b;
  Listener listener, small;
  const Outcome outcome = run(recipe(warm), a, listener);
  for (const int64_t step : listener.kept) CHECK((step >= 30 || step == 25));  // ⌊600 / 24⌋ steps an epoch
  CHECK(listener.kept.front() == 25);
  CHECK(outcome.metrics.at("valid.best_step") >= 25);
  CHECK(listener.measurements.front().first == 3);  // whose estimate is the lowest so far, but does not count
}

TEST_CASE("a run with best weights, stopped at any step and resumed, ends with the same bits",
          "[best_weights]") {
  const TestFolder whole;
  Listener quiet;
  const Outcome expected = run(recipe(), whole, quiet);
  for (const int64_t stop_after : {2, 6, 13, 39, 40}) {
    const TestFolder folder;
    Listener first, second;
    first.stop_after = stop_after;
    const Recipe same = recipe({{"trainer.checkpoint_every", Node(int64_t{5})}});
    CHECK(run(same, folder, first).status == Status::stopped);
    const Outcome resumed = run(same, folder, second);
    CHECK(resumed.done());
    for (const std::string& name : {std::string(kBestCheckpoint), checkpoint_name(40)})
      CHECK(digest(read_checkpoint(folder / "checkpoints" / name).tensors) ==
            digest(read_checkpoint(whole / "checkpoints" / name).tensors));
    CHECK(resumed.metrics.at("test.loss") == expected.metrics.at("test.loss"));
    CHECK(resumed.metrics.at("valid.best_step") == expected.metrics.at("valid.best_step"));
  }
}

TEST_CASE("a run that ends before its time says whether there are best weights", "[best_weights]") {
  const TestFolder early, late;
  Listener listener;
  const Outcome none = run(recipe({{"net.broken_at", Node(int64_t{2})}}), early, listener);
  CHECK(none.message ==
        "step 2: loss = nan, gradient norm = nan; no best weights: no estimate had counted yet");
  CHECK_FALSE(fs::exists(early / "checkpoints" / kBestCheckpoint));
  const Outcome some = run(recipe({{"net.broken_at", Node(int64_t{4})}}), late, listener);
  CHECK(some.message == "step 4: loss = nan, gradient norm = nan; the best weights are those of step 3");
}

TEST_CASE("where estimates choose the weights they count for a run's identity, else nothing is new in it",
          "[best_weights]") {
  const auto with = [](const Changes& changes) { return recipe(changes).identity; };
  const Node off(false), on(true), other(int64_t{7});
  CHECK_FALSE(with({{"trainer.evaluate_every", other}}) == with({}));
  CHECK_FALSE(with({{"trainer.evaluate_batches", other}}) == with({}));
  CHECK_FALSE(with({{"trainer.save_best_after_warmup", on}}) == with({}));
  CHECK(with({{"trainer.evaluate_train", on}}) == with({}));
  const Node plain = with({{"trainer.save_best", off}});
  CHECK(with({{"trainer.save_best", off}, {"trainer.evaluate_every", other}}) == plain);
  for (const char* field : {"save_best", "save_best_after_warmup", "evaluate_train", "evaluate_every"})
    CHECK(plain.at(std::string("trainer.") + field) == nullptr);
  CHECK_THROWS_WITH(with({{"trainer.evaluate_every", Node(int64_t{0})}}),
                    Catch::ContainsSubstring(
                        "trainer.evaluate_every = 0: must be above 0 where the best weights are saved"));
}

}  // namespace best_weights_test
