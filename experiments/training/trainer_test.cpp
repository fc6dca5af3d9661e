#include "experiments/training/trainer.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/interchange/waveletlm/config.h"
#include "experiments/testing/tiny.h"
#include "models/testing/waveletlm.h"

namespace trainer_test {
using namespace subband;
using config::Node;

// Hands out given batches, one after the other.
class GivenBatches final : public OpenTask {
 public:
  GivenBatches(at::Tensor inputs, at::Tensor targets)
      : inputs_(std::move(inputs)), targets_(std::move(targets)) {}
  const Batch& draw(uint64_t index) override {
    const auto at = static_cast<int64_t>(index);
    batch_ = {.inputs_BL = inputs_[at], .targets_BL = targets_[at], .restarts = restarts_at == at};
    return batch_;
  }
  int64_t batches_per_epoch() const override { return 0; }
  std::string epoch_text() const override { return ""; }
  Metrics estimate(Net&) override { return {}; }

  int64_t restarts_at = -1;

 private:
  at::Tensor inputs_, targets_;
  Batch batch_;
};

using Changes = std::vector<std::pair<std::string, Node>>;

Recipe tiny_recipe(const Changes& changes = {}) {
  Node config = testing::tiny_config();
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

// Twelve batches of letters.
GivenBatches letters() {
  const at::Tensor ids = at::empty({12, 3, 9}, at::kLong).random_(0, 27, stream(1, "letters"));
  return {ids.narrow(2, 0, 8).contiguous(), ids.narrow(2, 1, 8).contiguous()};
}

std::string weights_of(const Net& net) { return digest(model_tensors(net)); }

// One run of the tiny recipe; what each step did, and the checkpoint of its end.
struct Trained {
  std::vector<StepResult> steps;
  Checkpoint end;
};

Trained trained(const Recipe& recipe, bool scales_loss, int64_t steps = 12) {
  const auto net = make_net(recipe);
  GivenBatches task = letters();
  Trainer trainer(recipe, *net, task, {.steps = 12, .scales_loss = scales_loss});
  Trained result;
  for (int64_t step = 0; step < steps; ++step) result.steps.push_back(trainer.step());
  trainer.save(result.end);
  return result;
}

// Checkpoints of before optimisers knew their parameters' names.
TEST_CASE("a checkpoint with numbered optimiser state goes on bit for bit", "[trainer]") {
  const std::string optimizer = GENERATE("adagrad", "adamw");
  const Recipe recipe = tiny_recipe({{"optimizer.type", Node(optimizer)}});
  const Trained whole = trained(recipe, false);
  Checkpoint half = trained(recipe, false, 5).end;
  const auto net = make_net(recipe);
  const std::vector<Parameter> parameters = parameters_of(*net);
  for (size_t i = 0; i < parameters.size(); ++i) {
    for (const char* what : {"sum", "exp_avg", "exp_avg_sq", "step"}) {
      const std::string prefix = std::string("optimizer/") + what + ".";
      auto named = half.tensors.extract(prefix + parameters[i].name);
      if (named.empty()) continue;
      named.key() = prefix + std::to_string(i);
      half.tensors.insert(std::move(named));
    }
  }
  REQUIRE(half.tensors.contains(optimizer == "adamw" ? "optimizer/exp_avg.1" : "optimizer/sum.1"));
  GivenBatches task = letters();
  Trainer trainer(recipe, *net, task, {.steps = 12});
  trainer.load(half);
  while (trainer.steps_done() < 12) trainer.step();
  Checkpoint end;
  trainer.save(end);
  CHECK(digest(end.tensors) == digest(whole.end.tensors));
}

TEST_CASE("a trainer gives every group its own rate and decay", "[trainer]") {
  Node frozen = Node::map();
  frozen.set("embedding", Node(0.0));
  const Recipe recipe = tiny_recipe({{"optimizer.rates", frozen}});
  const auto before = make_net(recipe), net = make_net(recipe);
  GivenBatches task = letters();
  Trainer trainer(recipe, *net, task, {.steps = 12});
  for (int i = 0; i < 4; ++i) trainer.step();
  CHECK(net->named_parameters()["embedding"].equal(before->named_parameters()["embedding"]));
  CHECK_FALSE(net->named_parameters()["out"].equal(before->named_parameters()["out"]));
}

// The recorded trajectory of the original: its config.json, its batches, this program's trainer.
TEST_CASE("twenty steps of the trainer follow the original in loss, rate, gradient norm and final weights",
          "[trainer][recorded]") {
  const auto file = testing::recorded_waveletlm("train_adagrad");
  if (!file) return;
  Registry registry = testing::tiny_registry();
  register_models_parts(registry);
  config::Warnings warnings;
  Node config = waveletlm::recipe_of_flat_config(
      read_file(program_root() / "experiments/testdata/train_adagrad.json"), "train_adagrad.json", warnings);
  config.erase("defaults");
  config.set_at("data.type", Node("tiny"));  // which nobody reads
  config.set("tokenizer", Node("letters"));
  Recipe recipe = bind_recipe(registry, "train_adagrad", config);
  recipe.shape.vocabulary = recipe.vocabulary = 37;
  const auto net = make_net(recipe);
  load_waveletlm(*net, testing::below(*file, "p0/"));
  GivenBatches task(file->at("x"), file->at("y"));
  Trainer trainer(recipe, *net, task, {.steps = 20});
  for (int64_t step = 0; step < 20; ++step) {
    INFO("step " << step);
    const StepResult result = trainer.step();
    CHECK(result.loss == Approx(file->at("loss")[step].item<double>()).epsilon(1e-5));
    CHECK(result.gradient_norm == Approx(file->at("gradnorm")[step].item<double>()).epsilon(1e-5));
    CHECK(result.rate == Approx(file->at("lr")[step].item<double>()).epsilon(1e-9).margin(1e-15));
  }
  const auto ours = named_tensors(*net);
  for (const auto& [key, tensor] : testing::below(*file, "p1/")) {
    INFO(key);
    const at::Tensor mine = ours.at(waveletlm_place(key, ours)).detach();
    // Absolute where weights are near 0: gains start there, and Adagrad makes full steps of gradients that are all
    // rounding, so relative to its largest value history_gains of block 0 is off by 5e-5, in double by 7e-5.
    CHECK(mine.allclose(tensor.view_as(mine), 1e-5, 1e-5));
  }
}

TEST_CASE("scaling the loss by a power of two changes no bit of an fp32 run", "[trainer]") {
  for (const int64_t accumulate : {1, 3}) {
    const Recipe recipe = tiny_recipe({{"net.dropout", Node(0.3)},
                                       {"trainer.accumulate", Node(accumulate)},
                                       {"trainer.clip_norm", Node(0.05)}});
    const Trained plain = trained(recipe, false, 12 / accumulate);
    Trained scaled = trained(recipe, true, 12 / accumulate);
    for (size_t step = 0; step < plain.steps.size(); ++step) {
      CHECK(scaled.steps[step].loss == plain.steps[step].loss);
      CHECK(scaled.steps[step].gradient_norm == plain.steps[step].gradient_norm);
    }
    CHECK(scaled.end.tensors.erase("state/loss_scale") == 1);
    CHECK(digest(scaled.end.tensors) == digest(plain.end.tensors));
  }
}

TEST_CASE("a step whose gradients overflow is left out, but counts in the schedule", "[trainer]") {
  const Recipe recipe = tiny_recipe({{"net.broken_at", Node(int64_t{5})}, {"schedule.warmup", Node(0.5)}});
  const auto net = make_net(recipe);
  GivenBatches task = letters();
  Trainer trainer(recipe, *net, task, {.steps = 12, .scales_loss = true});
  for (int i = 0; i < 4; ++i) trainer.step();
  Checkpoint before, after;
  trainer.save(before);
  const StepResult broken = trainer.step();
  CHECK(broken.skipped);
  CHECK_FALSE(broken.finite());
  CHECK(broken.rate == Approx(0.1 * 4 / 6));
  CHECK(trainer.steps_done() == 5);
  CHECK(trainer.scaler()->scale() == 32768);
  CHECK(trainer.scaler()->skipped() == 1);
  trainer.save(after);
  for (Checkpoint* checkpoint : {&before, &after}) checkpoint->tensors.erase("state/loss_scale");
  CHECK(digest(after.tensors) == digest(before.tensors));
  const StepResult next = trainer.step();
  CHECK_FALSE(next.skipped);
  CHECK(next.rate == Approx(0.1 * 5 / 6));
  CHECK(std::isfinite(trainer.average_loss()));
}

TEST_CASE("a run that overflows at every scale ends as no number", "[trainer]") {
  const Recipe recipe = tiny_recipe();
  const auto net = make_net(recipe);
  {
    const c10::NoGradGuard no_gradients;
    net->parameters()[0].fill_(std::nan(""));
  }
  GivenBatches task = letters();
  Trainer trainer(recipe, *net, task, {.steps = 40, .scales_loss = true});
  for (int i = 0; i < 12; ++i) CHECK(trainer.step().skipped);
  Checkpoint checkpoint;
  trainer.save(checkpoint);
  GivenBatches again = letters();
  Trainer resumed(recipe, *net, again, {.steps = 40, .scales_loss = true});
  checkpoint.step = 0;  // the batches anew
  resumed.load(checkpoint);
  CHECK(resumed.scaler()->scale() == 16);
  for (int i = 0; i < 4; ++i) CHECK(resumed.step().skipped);
  const StepResult last = resumed.step();
  CHECK_FALSE(last.skipped);
  CHECK_FALSE(last.finite());
  CHECK(resumed.steps_done() == 4);
}

// Twelve batches of letters in which only some answers are asked for: of the first window one, of the others more.
GivenBatches uneven_letters() {
  const at::Tensor ids = at::empty({12, 3, 9}, at::kLong).random_(0, 27, stream(1, "letters"));
  at::Tensor targets = ids.narrow(2, 1, 8).clone();
  targets.select(1, 0).narrow(1, 1, 7).fill_(kNoTarget);
  targets.select(1, 2).narrow(1, 0, 3).fill_(kNoTarget);
  return {ids.narrow(2, 0, 8).contiguous(), targets};
}

TEST_CASE("a batch that is computed in parts gives the gradients of the whole, to rounding, carried states included",
          "[trainer]") {
  const bool carries = GENERATE(false, true);
  const int64_t accumulate = GENERATE(1, 2);
  const auto follow = [&](int64_t split, int64_t resumed_at) {
    const Recipe recipe = tiny_recipe({{"net.dropout", Node(0.0)},
                                       {"net.carry", Node(carries)},
                                       {"trainer.batch", Node(int64_t{3})},
                                       {"trainer.accumulate", Node(accumulate)},
                                       {"trainer.split", Node(split)}});
    const auto net = make_net(recipe);
    GivenBatches task = uneven_letters();
    std::optional<Trainer> trainer(std::in_place, recipe, *net, task, Trainer::Plan{.steps = 6});
    std::vector<double> all;
    for (int64_t step = 0; step < 6; ++step) {
      if (step == resumed_at) {
        Checkpoint half;
        trainer->save(half);
        trainer.emplace(recipe, *net, task, Trainer::Plan{.steps = 6});
        trainer->load(half);
      }
      const StepResult result = trainer->step();
      all.insert(all.end(), {result.loss, result.gradient_norm});
    }
    return all;
  };
  const std::vector<double> whole = follow(1, -1);
  for (const int64_t split : {2, 3}) {
    const std::vector<double> parts = follow(split, -1);
    CAPTURE(split, carries, accumulate);
    for (size_t i = 0; i < whole.size(); ++i) CHECK(parts[i] == Approx(whole[i]).epsilon(2e-6));
    CHECK(parts != whole);  // another order of sums
    CHECK(follow(split, 3) == parts);
  }
  CHECK(tiny_recipe({{"trainer.split", Node(int64_t{1})}}).identity == tiny_recipe().identity);
  CHECK(tiny_recipe({{"trainer.batch", Node(int64_t{3})}, {"trainer.split", Node(int64_t{2})}}).identity !=
        tiny_recipe({{"trainer.batch", Node(int64_t{3})}}).identity);
  CHECK_THROWS_WITH(tiny_recipe({{"trainer.batch", Node(int64_t{3})}, {"trainer.split", Node(int64_t{4})}}),
                    Catch::ContainsSubstring("trainer.split = 4: must be at most batch = 3"));
}

TEST_CASE("where streams begin anew the net forgets what it carried", "[trainer]") {
  const Recipe recipe = tiny_recipe({{"net.carry", Node(true)}, {"optimizer.lr", Node(0.0)}});
  const auto losses = [&](int64_t restarts_at) {
    const auto net = make_net(recipe);
    GivenBatches task = letters();
    task.restarts_at = restarts_at;
    Trainer trainer(recipe, *net, task, {.steps = 12});
    std::vector<double> all;
    for (int i = 0; i < 6; ++i) all.push_back(trainer.step().loss);
    return all;
  };
  const auto carried = losses(-1), restarted = losses(3);
  for (const size_t step : {0, 1, 2}) CHECK(restarted[step] == carried[step]);
  CHECK(restarted[3] != carried[3]);
  const auto net = make_net(recipe);
  net->train();
  net->set_generator(stream(0, "none"));
  GivenBatches task = letters();
  const Batch& fourth = task.draw(3);
  CHECK(restarted[3] == net->loss(fourth.inputs_BL, fourth.targets_BL).item<double>());
}

}  // namespace trainer_test
