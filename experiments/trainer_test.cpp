#include "experiments/trainer.h"

#include <ATen/ATen.h>

#include "core/files.h"
#include "core/testing/catch.h"
#include "experiments/testing/tiny.h"
#include "experiments/waveletlm/config.h"
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
    batch_ = {.inputs_BL = inputs_[at], .targets_BL = targets_[at]};
    return batch_;
  }
  int64_t batches_per_epoch() const override { return 0; }
  std::string epoch_text() const override { return ""; }
  Metrics estimate(Net&) override { return {}; }

 private:
  at::Tensor inputs_, targets_;
  Batch batch_;
};

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

}  // namespace trainer_test
