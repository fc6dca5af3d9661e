#include <algorithm>

#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/data/files/token_file.h"
#include "experiments/tasks/random_windows.h"
#include "experiments/testing/tasks.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/experiment.h"
#include "models/testing/build.h"

namespace language_model_test {
using namespace subband;
using config::Node;
using testing::values;

using Changes = std::vector<std::pair<std::string, Node>>;

// The tiny parts and every net.
const Registry& parts() {
  static const Registry registry = [] {
    Registry all = testing::tiny_registry();
    register_models_parts(all);
    return all;
  }();
  return registry;
}

Recipe recipe(const Changes& changes) {
  Node config = testing::tiny_config();
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(parts(), "tiny", config);
}

std::unique_ptr<OpenTask> opened(const Recipe& recipe, const TestFolder& folder) {
  return make_task(recipe)->open(task_use(recipe, at::kCPU, folder / "cache"));
}

const Changes kSequential = {{"task.type", Node("language_model")}, {"task.windows", Node("sequential")}};

// Attention with a memory, which training windows hand on.
Changes remembering(bool carries) {
  return {{"task.type", Node("language_model")},
          {"task.windows", Node("sequential")},
          {"net", Node::map()},
          {"net.type", Node("decoder_lm")},
          {"net.width", Node(int64_t{8})},
          {"net.layers", Node(int64_t{2})},
          {"net.positions", Node("none")},
          {"net.dropout", Node(0.2)},
          {"net.mixer.type", Node("transformer_xl")},
          {"net.mixer.heads", Node(int64_t{2})},
          {"net.mixer.memory", Node(int64_t{12})},
          {"net.carry_memory", Node(carries)},
          {"trainer.accumulate", Node(int64_t{2})},
          {"trainer.steps", Node(int64_t{20})},
          {"trainer.evaluate_every", Node(int64_t{3})},
          {"trainer.protocols", Node::list({Node("blocks"), Node("streaming")})}};
}

struct Stopper final : Observer {
  explicit Stopper(int64_t after) : stop_after(after) {}
  int64_t stop_after;
  std::atomic<bool> stop = false;
  double last_loss = 0;
  void stepped(const StepEvent& event) override {
    stop = stop || event.step == stop_after;
    last_loss = event.loss;
  }
};

Outcome run(const Recipe& recipe, const TestFolder& folder, Stopper& observer) {
  return run_experiment(recipe, {.checkpoints = folder / "checkpoints",
                                 .cache = folder / "cache",
                                 .observer = &observer,
                                 .stop = &observer.stop});
}

std::string end_of(const TestFolder& folder) { return digest(read_checkpoint(folder.path()).tensors); }

TEST_CASE("sequential windows go on from batch to batch, and an epoch is one pass", "[language_model]") {
  const TestFolder folder;
  const auto task = opened(recipe(kSequential), folder);
  CHECK(task->batches_per_epoch() == 24);  // ⌊599 / (3 · 8)⌋
  const auto first = values(task->draw(0).targets_BL.select(1, 7));
  CHECK(values(task->draw(1).inputs_BL.select(1, 0)) == first);
  CHECK(task->draw(24).restarts);
  CHECK_FALSE(task->draw(25).restarts);
  const auto random = opened(recipe({}), folder);
  CHECK(random->batches_per_epoch() == 25);
  CHECK_FALSE(random->draw(0).restarts);
}

TEST_CASE("a recipe with random windows is known as it always was, one with sequential ones is another",
          "[language_model]") {
  const Changes random = {{"task.type", Node("language_model")}, {"task.windows", Node("random")}};
  const Node old = recipe({}).identity;
  CHECK(old.at("task") == nullptr);
  CHECK(recipe(random).identity == old);
  CHECK(recipe(kSequential).identity.at("task.windows")->string() == "sequential");
  CHECK(recipe(kSequential).parts.contains("task:language_model"));
  CHECK_FALSE(recipe({}).parts.contains("task:language_model"));
  CHECK(recipe(remembering(true)).identity.at("net.carry_memory")->boolean());
  CHECK(recipe(remembering(false)).identity.at("net.carry_memory") == nullptr);
  CHECK_THROWS_WITH(
      recipe({{"task.type", Node("language_model")}, {"task.windows", Node("serial")}}),
      Catch::ContainsSubstring("task.windows = serial: unknown choice; known: random, sequential"));
}

TEST_CASE("estimates of the training text come where they are asked for, and leave no trace",
          "[language_model]") {
  const TestFolder folder, with, without;
  const Recipe asked =
      recipe({{"trainer.evaluate_train", Node(true)}, {"trainer.evaluate_every", Node(int64_t{2})}});
  const auto net = make_net(asked);
  const Metrics both = opened(asked, folder)->estimate(*net),
                valid = opened(recipe({}), folder)->estimate(*net);
  CHECK(both.contains("train.bpb_estimate"));
  CHECK_FALSE(valid.contains("train.loss_estimate"));
  CHECK(both.at("valid.loss_estimate") == valid.at("valid.loss_estimate"));
  CHECK(both.at("train.loss_estimate") != both.at("valid.loss_estimate"));
  Stopper quiet(-1);
  run(asked, with, quiet);
  run(recipe({}), without, quiet);
  CHECK(end_of(with) == end_of(without));
  Node config = testing::tiny_config();
  for (const char* key : {"data", "tokenizer"}) config.erase(key);
  config.set_at("task.type", Node("selective_copy"));
  config.set_at("task.tokens", Node(int64_t{3}));
  config.set_at("trainer.evaluate_train", Node(true));
  CHECK_THROWS_WITH(bind_recipe(parts(), "copy", config),
                    "default: trainer.evaluate_train = true: must be false with task selective_copy: only a "
                    "text has such estimates");
}

TEST_CASE("a train estimate is the mean loss over random windows of the training text", "[language_model]") {
  const TestFolder folder;
  const Recipe asked =
      recipe({{"trainer.evaluate_train", Node(true)}, {"trainer.evaluate_batches", Node(int64_t{5})}});
  const auto net = make_net(asked);
  net->eval();
  const c10::NoGradGuard no_gradients;
  const auto tokens = open_tokens(*make_data(asked), *make_tokenizer(asked), "train", folder / "cache");
  RandomWindows windows(tokens, {.batch = 3, .length = 8, .seed = 1337, .stream = "train_estimate"});
  double sum = 0;
  for (uint64_t index = 0; index < 5; ++index) {
    const Batch& batch = windows.draw(index);
    sum += net->loss(batch.inputs_BL, batch.targets_BL).item<double>();
  }
  CHECK(opened(asked, folder)->estimate(*net).at("train.loss_estimate") == Approx(sum / 5).epsilon(1e-6));
}

TEST_CASE("the protocol generated measures texts that strategies draw", "[language_model]") {
  const TestFolder folder;
  const auto measured = [&](const Changes& more) {
    Changes changes = {{"task.generated.prompts", Node(int64_t{3})},
                       {"task.generated.prompt_tokens", Node(int64_t{20})},
                       {"task.generated.tokens", Node(int64_t{40})},
                       {"trainer.protocols", Node::list({Node("generated")})}};
    changes.insert(changes.end(), more.begin(), more.end());
    const Recipe asked = recipe(changes);
    const auto net = make_net(asked);
    Metrics all;
    for (const Measurement& each : make_task(asked)->measurements(task_use(asked, at::kCPU, folder / "cache")))
      if (each.split == "valid") all.merge(each.measure(*net));
    return all;
  };
  const Metrics plain = measured({});
  CHECK(plain == measured({}));
  const Metrics greedy = measured({{"task.generated.strategies.temperature.value", Node(0.0)}});
  CHECK(greedy.at("valid.mean_log_p_generated") == 0);
  CHECK(greedy.at("valid.distinct_1_generated") < plain.at("valid.distinct_1_generated"));
  for (const auto& [name, value] : plain) {
    const auto known = make_task(recipe({}))->metrics({"generated"});
    CHECK(std::ranges::any_of(known, [&](const MetricInfo& each) { return each.name == name; }));
  }
  CHECK_THROWS_WITH(recipe({{"task.generated.strategies.coherence.window", Node(int64_t{9})}}),
                    Catch::Contains("coherence lowers the top_p of nucleus; add nucleus"));
}

TEST_CASE("a net that remembers trains over the seams of its windows, and resumes bit by bit",
          "[language_model]") {
  const TestFolder whole, forgetful;
  Stopper through(-1), other(-1);
  const Outcome outcome = run(recipe(remembering(true)), whole, through);
  REQUIRE(outcome.done());
  run(recipe(remembering(false)), forgetful, other);
  CHECK(through.last_loss != other.last_loss);
  CHECK(outcome.metrics.at("test.loss") != outcome.metrics.at("test.loss_streaming"));
  const Checkpoint end = read_checkpoint(whole.path());
  CHECK(end.tensors.at("state/carried/1/across.memory:rows").sizes() == at::IntArrayRef({3, 12, 8}));
  for (const int64_t stop_after : {1, 7, 12, 13, 20}) {  // the streams begin anew in step 13
    const TestFolder folder;
    Stopper first(stop_after), second(-1);
    CHECK(run(recipe(remembering(true)), folder, first).status == Status::stopped);
    const Outcome resumed = run(recipe(remembering(true)), folder, second);
    CHECK(end_of(folder) == digest(end.tensors));
    CHECK(resumed.metrics.at("test.loss_streaming") == outcome.metrics.at("test.loss_streaming"));
  }
}

}  // namespace language_model_test
