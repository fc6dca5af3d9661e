#include "experiments/training/experiment.h"

#include <ATen/ATen.h>

#include <cmath>
#include <set>

#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/trainer.h"

namespace experiment_test {
using namespace subband;
using config::Node;

// Remembers everything; asks to stop after step `stop_after`.
struct Listener final : Observer {
  std::vector<StepEvent> steps;
  std::vector<std::pair<int64_t, Metrics>> measurements;
  std::vector<int64_t> checkpoints;
  std::string sample;
  std::vector<std::string> notes;
  Outcome outcome;
  int64_t first_step = -1, stop_after = -1;
  std::atomic<bool> stop = false;

  void started(int64_t, int64_t first) override { first_step = first; }
  void stepped(const StepEvent& event) override {
    steps.push_back(event);
    if (event.step == stop_after) stop = true;
  }
  void measured(int64_t step, const Metrics& metrics) override { measurements.emplace_back(step, metrics); }
  void checkpointed(int64_t step, const std::filesystem::path&) override { checkpoints.push_back(step); }
  void sampled(int64_t, const std::string& text) override { sample = text; }
  void noted(const std::string& line) override { notes.push_back(line); }
  void ended(const Outcome& ended) override { outcome = ended; }
};

using Changes = std::vector<std::pair<std::string, Node>>;

Recipe recipe(const Changes& changes = {}) {
  Node config = testing::tiny_config();
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

Node whole(int64_t value) { return Node(value); }

std::string final_digest(const std::filesystem::path& folder) {
  return digest(read_checkpoint(folder).tensors);
}

Outcome run(const Recipe& recipe, const TestFolder& folder, Listener& listener) {
  return run_experiment(recipe, {.checkpoints = folder.path() / "checkpoints",
                                 .cache = folder.path() / "cache",
                                 .observer = &listener,
                                 .stop = &listener.stop});
}

// Everything that could make a resumed run differ: dropout, carried state, accumulation, decay, estimates on the way.
static const Changes kDemanding = {{"net.dropout", Node(0.3)},
                                   {"net.carry", Node(true)},
                                   {"trainer.accumulate", whole(2)},
                                   {"optimizer.weight_decay", Node(1e-3)},
                                   {"schedule.warmup", Node(0.25)}};

TEST_CASE("a run learns, and reports every step, its measures and its end", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  const Outcome outcome = run(recipe({{"trainer.steps", whole(60)},
                                      {"trainer.evaluate_every", whole(20)},
                                      {"samples.tokens", whole(9)},
                                      {"samples.prompt", Node("ab")}}),
                              folder, listener);
  CHECK(outcome.status == Status::done);
  CHECK(outcome.step == 60);
  CHECK(listener.first_step == 0);
  REQUIRE(listener.steps.size() == 60);
  CHECK(listener.steps[0].rate == 0);  // the warm-up's first
  CHECK(listener.steps[59].tokens == 60 * 24);
  CHECK(listener.steps[0].loss == Approx(std::log(27.0)).margin(0.2));
  CHECK(outcome.metrics.at("valid.loss") < 2.0);
  CHECK(outcome.metrics.at("valid.bpb") == Approx(outcome.metrics.at("valid.loss") / std::log(2.0)));
  CHECK(outcome.metrics.contains("test.bpb_sliding"));
  CHECK(outcome.metrics.at("model.parameters") == 2 * 27 * 8 + 2);
  CHECK(outcome.metrics.at("model.flops") == 2 * 8 * 27 * 8);
  CHECK(outcome.metrics.at("train.tokens") == 1440);
  for (const char* name : {"train.tokens_per_s", "train.seconds", "train.peak_mib", "train.peak_tensors_mib"})
    CHECK(outcome.metrics.at(name) > 0);
  REQUIRE(listener.measurements.size() == 4);  // estimates after 20, 40 and 60 steps, and the final one
  CHECK(listener.measurements[0].first == 20);
  CHECK(listener.measurements[3].second == outcome.metrics);
  CHECK(listener.sample.size() == 11);
  CHECK(listener.outcome.metrics == outcome.metrics);
}

TEST_CASE("sample text that cannot be drawn fails no run", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  Recipe without = recipe({{"samples.tokens", whole(9)}});
  without.samples.prompt.clear();
  const Outcome outcome = run(without, folder, listener);
  CHECK(outcome.status == Status::done);
  CHECK(outcome.metrics.contains("valid.loss"));
  CHECK(listener.sample.empty());
  CHECK(listener.notes.back() == "no sample text: samples.prompt: must have at least one token");
}

TEST_CASE("a run stopped at any step and resumed ends with the same bits", "[experiment]") {
  const TestFolder whole_folder;
  Listener quiet;
  const Outcome expected = run(recipe(kDemanding), whole_folder, quiet);
  for (const int64_t stop_after : {1, 3, 8, 11, 12}) {
    const TestFolder folder;
    Changes changes = kDemanding;
    changes.push_back({"trainer.evaluate_every", whole(2)});  // estimates leave no trace either
    changes.push_back({"trainer.checkpoint_every", whole(5)});
    Listener first, second;
    first.stop_after = stop_after;
    const Outcome stopped = run(recipe(changes), folder, first);
    CHECK(stopped.status == Status::stopped);
    CHECK(stopped.step == stop_after);
    const Outcome resumed = run(recipe(changes), folder, second);
    CHECK(second.first_step == stop_after);
    CHECK(resumed.status == Status::done);
    CHECK(final_digest(folder.path()) == final_digest(whole_folder.path()));
    CHECK(resumed.metrics.at("valid.loss") == expected.metrics.at("valid.loss"));
    CHECK(resumed.metrics.at("train.loss") == expected.metrics.at("train.loss"));
  }
}

TEST_CASE("the same recipe gives the same bits, another seed gives others", "[experiment]") {
  const TestFolder a, b, c;
  Listener listener;
  run(recipe(kDemanding), a, listener);
  run(recipe(kDemanding), b, listener);
  Changes other = kDemanding;
  other.push_back({"seed", whole(5)});
  run(recipe(other), c, listener);
  CHECK(final_digest(a.path()) == final_digest(b.path()));
  CHECK(final_digest(a.path()) != final_digest(c.path()));
}

TEST_CASE("two micro-batches make one step of the mean gradient", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  run(recipe({{"trainer.accumulate", whole(2)}, {"trainer.steps", whole(3)}}), folder, listener);
  CHECK(listener.steps.size() == 3);
  CHECK(listener.steps[2].tokens == 3 * 2 * 24);
  CHECK(listener.steps[0].loss == Approx(std::log(27.0)).margin(0.2));  // a mean, not a sum
}

TEST_CASE("checkpoints come at their interval and at the end, the newest two stay", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  run(recipe({{"trainer.checkpoint_every", whole(5)}}), folder, listener);
  CHECK(listener.checkpoints == std::vector<int64_t>{5, 10, 12});
  CHECK_FALSE(std::filesystem::exists(folder.path() / "checkpoints" / checkpoint_name(5)));
  CHECK(std::filesystem::exists(folder.path() / "checkpoints" / checkpoint_name(10)));
}

TEST_CASE("a loss that is not a number ends the run as a result, before any weight moves", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  const Outcome outcome =
      run(recipe({{"net.broken_at", whole(7)}, {"trainer.checkpoint_every", whole(1)}}), folder, listener);
  CHECK(outcome.status == Status::nan);
  CHECK(outcome.step == 7);
  CHECK(outcome.message == "step 7: loss = nan, gradient norm = nan");
  CHECK(listener.steps.size() == 6);
  CHECK(listener.outcome.status == Status::nan);
  const Tensors tensors = read_checkpoint(folder.path()).tensors;
  CHECK(tensors.at("model/out").isfinite().all().item<bool>());
}

TEST_CASE("a loss far above ignorance ends the run as diverged", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  const Outcome outcome =
      run(recipe({{"optimizer.lr", Node(500.0)}, {"schedule.warmup", Node(0.0)}}), folder, listener);
  CHECK(outcome.status == Status::diverged);
  CHECK(outcome.step > 1);
  CHECK_THAT(outcome.message,
             Catch::ContainsSubstring("above 10 times 3.2958, what an untrained answer costs"));
}

TEST_CASE("a run that reaches its limit of time ends as time_out, and a longer limit goes on",
          "[experiment]") {
  const TestFolder folder, whole_folder;
  Listener first, second, through;
  const Outcome late = run(recipe({{"trainer.time_limit", Node(1e-9)}}), folder, first);
  CHECK(late.status == Status::time_out);
  CHECK(late.step == 1);
  CHECK(late.message ==
        "step 1: 0.0 s of training: at least trainer.time_limit = 1e-09 s; a longer limit goes on "
        "from here");
  CHECK(first.checkpoints == std::vector<int64_t>{1});
  const Outcome again = run(recipe({{"trainer.time_limit", Node(1e-9)}}), folder, second);
  CHECK(again.step == 1);  // at once
  CHECK(run(recipe({{"trainer.time_limit", Node(1000.0)}}), folder, second).done());
  CHECK(run(recipe(), whole_folder, through).done());
  CHECK(final_digest(folder.path()) == final_digest(whole_folder.path()));
}

TEST_CASE("a run goes on where operations run as they did, or as it is told", "[experiment]") {
  const TestFolder folder;
  Listener first, second, third;
  first.stop_after = 3;
  CHECK(run(recipe(), folder, first).status == Status::stopped);
  const auto file = folder.path() / "checkpoints" / checkpoint_name(3);
  Checkpoint elsewhere = read_checkpoint(file);
  CHECK_THAT(elsewhere.machine, Catch::ContainsSubstring("instructions"));
  elsewhere.machine = R"({"instructions": "abacus", "ops": []})";
  write_checkpoint(file, elsewhere);
  CHECK_THROWS_WITH(
      run(recipe(), folder, second),
      Catch::ContainsSubstring("checkpoints: machine: instructions = ") &&
          Catch::EndsWith(": were abacus: the last bits would differ from there on; go on where it "
                          "began, or here with --other-machine"));
  const Outcome outcome = run_experiment(recipe(), {.checkpoints = folder.path() / "checkpoints",
                                                    .cache = folder.path() / "cache",
                                                    .observer = &third,
                                                    .other_machine = true});
  CHECK(outcome.done());
  CHECK_THAT(third.notes.at(0), Catch::StartsWith("other machine: instructions = "));
}

// Batches without an end, so many of them an epoch.
class CountedBatches final : public OpenTask {
 public:
  explicit CountedBatches(int64_t batches) : batches_(batches) {}
  const Batch& draw(uint64_t) override { return batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  std::string epoch_text() const override { return "examples"; }
  Metrics estimate(Net&) override { return {}; }

 private:
  int64_t batches_;
  Batch batch_;
};

TEST_CASE(
    "epochs, batches and accumulation are multiplied before they are rounded, and what is left out is said",
    "[experiment]") {
  const auto planned = [](double epochs, int64_t batches, int64_t accumulate) {
    TrainerConfig config;
    config.epochs = epochs;
    config.accumulate = accumulate;
    const CountedBatches task(batches);
    return std::pair{planned_steps(config, task), left_out_note(config, task)};
  };
  CHECK(planned(0.29, 100, 1).first == 29);  // 28.999999999999996 in binary
  CHECK(planned(0.57, 100, 1).first == 57);
  CHECK(planned(0.285, 100, 1).first == 28);
  CHECK(planned(3, 10, 4).first == 7);
  CHECK(planned(3, 10, 4).second ==
        "trainer.epochs = 3: 30 batches are 7 steps of 4; the last 2 are left out");
  CHECK(planned(2, 10, 4).second.empty());
  CHECK(planned(1.5, 25, 1).first == 37);
}

TEST_CASE("rounding epochs once makes another run only where it makes other steps", "[experiment]") {
  const Registry registry = testing::tiny_registry();
  const auto parts = [&](double epochs, int64_t accumulate) {
    Node config = testing::tiny_config();
    config.find("trainer")->erase("steps");
    config.set_at("trainer.epochs", Node(epochs));
    config.set_at("trainer.accumulate", Node(accumulate));
    return bind_recipe(registry, "tiny", config).parts.count("procedure:epochs");
  };
  CHECK(parts(3, 1) == 0);
  CHECK(parts(0.29, 1) == 1);
  CHECK(parts(3, 4) == 1);
}

TEST_CASE("epochs count whole passes over the training tokens", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  Node config = testing::tiny_config();
  config.find("trainer")->erase("steps");
  config.set_at("trainer.epochs", Node(1.5));
  const Registry registry = testing::tiny_registry();
  CHECK(run(bind_recipe(registry, "tiny", config), folder, listener).step == 37);  // ⌊1.5 · ⌊600 / 24⌋⌋
  config.set_at("trainer.epochs", Node(0.01));
  CHECK_THROWS_WITH(run(bind_recipe(registry, "tiny", config), folder, listener),
                    "trainer.epochs = 0.01: must make at least one step; an epoch of 600 tokens has 25");
}

TEST_CASE("a synthetic task trains, resumes bit by bit and reports accuracy", "[experiment]") {
  Node config = testing::tiny_config();
  config.set_at("task.tokens", Node(int64_t{3}));
  for (const char* key : {"data", "tokenizer"}) config.erase(key);
  config.set_at("task.type", Node("selective_copy"));
  config.set_at("trainer.evaluate_every", whole(5));
  const Recipe copying = bind_recipe(testing::tiny_parts(), "copy", config);
  const TestFolder through, stopped;
  Listener whole_run, first, second;
  first.stop_after = 7;
  const Outcome outcome = run(copying, through, whole_run);
  CHECK(outcome.status == Status::done);
  CHECK(outcome.metrics.contains("valid.accuracy"));
  CHECK(outcome.metrics.contains("test.accuracy"));
  CHECK(whole_run.measurements[0].second.contains("valid.accuracy_estimate"));
  CHECK(whole_run.notes.at(0) == "selective_copy: guessing is right in 1 of 14 cases: accuracy 0.0714");
  CHECK(run(copying, stopped, first).status == Status::stopped);
  CHECK(run(copying, stopped, second).metrics.at("test.loss") == outcome.metrics.at("test.loss"));
  CHECK(final_digest(stopped.path()) == final_digest(through.path()));
}

TEST_CASE("estimates on the way have names of their own", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  run(recipe({{"trainer.evaluate_every", whole(6)}}), folder, listener);
  CHECK(listener.measurements[0].second.contains("valid.bpb_estimate"));
  CHECK_FALSE(listener.measurements[0].second.contains("valid.bpb"));
  CHECK(listener.outcome.metrics.contains("valid.bpb"));
}

TEST_CASE("a recipe says beforehand what its runs report", "[experiment]") {
  const Recipe tiny = recipe({{"trainer.evaluate_every", whole(6)},
                              {"trainer.evaluate_train", Node(true)},
                              {"trainer.save_best", Node(true)}});
  std::set<std::string> known, found;
  for (const MetricInfo& each : reported_metrics(tiny)) {
    CHECK(known.insert(each.name).second);
    CHECK((each.goal == "min" || each.goal == "max" || each.goal.empty()));
  }
  const TestFolder folder;
  Listener listener;
  run(tiny, folder, listener);
  for (const auto& [step, metrics] : listener.measurements)
    for (const auto& [name, value] : metrics) found.insert(name);
  for (const std::string& name : found) {
    CAPTURE(name);
    CHECK(known.contains(name));
  }
  for (const std::string& name : found) known.erase(name);
  // Of the tiny text the words are known in `test` alone, and nothing overflows in fp32.
  CHECK(known == std::set<std::string>{"train.skipped_steps", "train.word_ppl_estimate", "valid.word_ppl",
                                       "valid.word_ppl_estimate", "valid.word_ppl_sliding"});
}

TEST_CASE("a run does not go on from another run's checkpoint", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  run(recipe(), folder, listener);
  CHECK_THROWS_WITH(
      run(recipe({{"optimizer.lr", Node(0.2)}}), folder, listener),
      Catch::ContainsSubstring("checkpoint of another run: recipe or seed differ from the present ones"));
}

TEST_CASE("an empty corpus and a text shorter than a window are refused", "[experiment]") {
  const TestFolder folder;
  Listener listener;
  CHECK_THROWS_AS(run(recipe({{"data.letters", whole(0)}}), folder, listener), Error);
  CHECK_THROWS_AS(run(recipe({{"data.letters", whole(8)}}), folder, listener), ConfigError);
}

}  // namespace experiment_test
