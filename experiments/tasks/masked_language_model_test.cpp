#include <ATen/ATen.h>

#include <cmath>
#include <set>

#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/data/files/token_file.h"
#include "experiments/testing/tasks.h"
#include "experiments/training/experiment.h"

namespace masked_language_model_test {
using namespace subband;
using config::Node;
using testing::values;

constexpr int64_t kLetters = 27, kMask = 27, kLength = 20;

static Recipe recipe(const std::vector<std::pair<std::string, Node>>& changes = {}) {
  Node config = testing::tiny_config();
  config.set_at("task.type", Node("masked_language_model"));
  config.set_at("trainer.length", Node(kLength));
  config.set_at("trainer.protocols", Node::list({Node("blocks")}));
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

static TaskUse use_of(const TestFolder& folder, int64_t batch, uint64_t seed = 1) {
  return {.batch = batch, .seed = seed, .estimate_batches = 3, .cache = folder.path() / "cache"};
}

TEST_CASE("as many tokens as asked for are hidden, the others stay and have no target",
          "[masked_language_model]") {
  const TestFolder folder;
  const Recipe asked = recipe();
  const auto open = make_task(asked)->open(use_of(folder, 50));
  const auto plain = make_task(recipe({{"task.type", Node("language_model")}}))->open(use_of(folder, 50));
  int64_t masks = 0, same = 0, all = 0;
  for (uint64_t index = 0; index < 20; ++index) {
    const auto text = values(plain->draw(index).inputs_BL);  // the same windows, with nothing hidden
    const Batch& batch = open->draw(index);
    const auto inputs = values(batch.inputs_BL), targets = values(batch.targets_BL);
    for (size_t i = 0; i < text.size(); ++i) {
      if (targets[i] == kNoTarget) {
        CHECK(inputs[i] == text[i]);
        continue;
      }
      CHECK(targets[i] == text[i]);
      CHECK(inputs[i] <= kMask);
      ++all, masks += inputs[i] == kMask, same += inputs[i] == text[i];
    }
    CHECK(batch.targets_BL.ne(kNoTarget).sum(1).eq(3).all().item<bool>());  // 0.15 of 20
  }
  CHECK(all == 3000);
  CHECK(static_cast<double>(masks) / 3000 == Approx(0.8).margin(0.03));
  CHECK(static_cast<double>(same) / 3000 == Approx(0.1 + 0.1 / kLetters).margin(0.03));
}

TEST_CASE("every place is asked for as often as the others", "[masked_language_model]") {
  const TestFolder folder;
  const auto open = make_task(recipe())->open(use_of(folder, 100));
  at::Tensor counts = at::zeros({kLength}, at::kLong);
  for (uint64_t index = 0; index < 20; ++index) counts += open->draw(index).targets_BL.ne(kNoTarget).sum(0);
  // 2000 draws with a chance of 3 in 20: 300 ± 16
  CHECK(counts.min().item<int64_t>() > 300 - 5 * 16);
  CHECK(counts.max().item<int64_t>() < 300 + 5 * 16);
}

TEST_CASE("a batch with its masks is a function of seed and index alone", "[masked_language_model]") {
  const TestFolder folder;
  const auto task = make_task(recipe());
  const auto one = task->open(use_of(folder, 4)), same = task->open(use_of(folder, 4)),
             other = task->open(use_of(folder, 4, 2));
  one->draw(0);
  CHECK(values(one->draw(5).inputs_BL) == values(same->draw(5).inputs_BL));
  CHECK(values(one->draw(5).targets_BL) != values(one->draw(6).targets_BL));
  CHECK(values(one->draw(5).targets_BL) != values(other->draw(5).targets_BL));
}

// Logits that depend on place and token, so that every window has sums of its own.
class Waves final : public Net {
 public:
  at::Tensor forward(const at::Tensor& ids_BL, const Pass&) override {
    seen.push_back(ids_BL.clone());
    const at::Tensor places = at::arange(ids_BL.size(1), at::kFloat).view({1, -1, 1});
    const at::Tensor answers = at::arange(kLetters + 1, at::kFloat).view({1, 1, -1});
    return (places + 3 * ids_BL.unsqueeze(-1) + answers * answers).sin() * 4;
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  std::vector<at::Tensor> seen;
};

// Scalar sums over what the net was fed; the text tells what was hidden.
static Metrics by_definition(const Recipe& recipe, const TestFolder& folder, int64_t windows) {
  Waves net;
  make_task(recipe)->measurements(use_of(folder, 1)).at(1).measure(net);
  REQUIRE(std::ssize(net.seen) == windows);
  const TokenFile tokens =
      open_tokens(*make_data(recipe), *make_tokenizer(recipe), "valid", folder / "cache");
  const auto open = make_task(recipe)->open(use_of(folder, 1));
  double nats = 0, right = 0, asked = 0;
  for (int64_t window = 0; window < windows; ++window) {
    const at::Tensor fed = net.seen[static_cast<size_t>(window)];
    std::vector<int64_t> text(kLength);
    tokens.copy(window * kLength, text);
    const at::Tensor logits = Waves().forward(fed, {})[0].to(at::kDouble);
    for (int64_t t = 0; t < kLength; ++t) {
      // `unchanged` and `random` are 0 here: what is asked for is what shows the mask.
      if (fed[0][t].item<int64_t>() != kMask) continue;
      const int64_t wanted = text[static_cast<size_t>(t)];
      nats += (logits[t].logsumexp(0) - logits[t][wanted]).item<double>();
      right += logits[t].argmax().item<int64_t>() == wanted;
      ++asked;
    }
  }
  CHECK(asked == 3.0 * static_cast<double>(windows));
  return {{"valid.accuracy", right / asked}, {"valid.loss", nats / asked}};
}

TEST_CASE(
    "loss and accuracy are those of the hidden tokens, under the same masks for every seed and batch size",
    "[masked_language_model]") {
  const TestFolder folder;
  const Recipe asked = recipe({{"task.random", Node(0.0)}, {"task.unchanged", Node(0.0)}});
  const Metrics wanted = by_definition(asked, folder, 5);  // 101 letters
  for (const int64_t batch : {1, 2, 7}) {
    Waves net;
    const Metrics metrics = make_task(asked)->measurements(use_of(folder, batch, 9)).at(1).measure(net);
    CHECK(metrics.size() == 2);
    CHECK(metrics.at("valid.loss") == Approx(wanted.at("valid.loss")).epsilon(1e-6));
    CHECK(metrics.at("valid.accuracy") == Approx(wanted.at("valid.accuracy")).epsilon(1e-12));
  }
  Waves net;
  TaskUse use = use_of(folder, 2);
  use.most_tokens = 2 * kLength + 3;
  make_task(asked)->measurements(use).at(1).measure(net);
  CHECK(net.seen.at(0).size(0) == 2);
  CHECK(net.seen.size() == 1);
}

TEST_CASE("a masked model trains to its metrics, and knows what an untrained answer costs",
          "[masked_language_model]") {
  const TestFolder folder;
  const Recipe tiny = recipe({{"trainer.evaluate_every", Node(int64_t{6})}});
  CHECK(make_task(tiny)->untrained_loss() == Approx(std::log(28.0)));
  CHECK_FALSE(make_task(tiny)->writes_text());
  CHECK(tiny.vocabulary == 28);
  CHECK(tiny.shape.may_look_ahead);
  struct Listener final : Observer {
    std::vector<Metrics> measured_;
    void measured(int64_t, const Metrics& metrics) override { measured_.push_back(metrics); }
  } listener;
  const Outcome outcome = run_experiment(tiny, {.cache = folder / "cache", .observer = &listener});
  REQUIRE(outcome.done());
  CHECK(listener.measured_.at(0).contains("valid.loss_estimate"));
  CHECK(listener.measured_.at(0).contains("valid.accuracy_estimate"));
  std::set<std::string> known;
  for (const MetricInfo& each : reported_metrics(tiny)) known.insert(each.name);
  for (const auto& [name, value] : outcome.metrics) CHECK(known.contains(name));
  for (const char* name : {"valid.loss", "valid.accuracy", "test.loss", "test.accuracy"})
    CHECK(outcome.metrics.contains(name));
}

TEST_CASE("shares that make more than a whole and protocols of other tasks are refused",
          "[masked_language_model]") {
  CHECK_THROWS_WITH(recipe({{"task.random", Node(0.6)}, {"task.unchanged", Node(0.5)}}),
                    "task.unchanged = 0.5: must be at most 1 with task.random");
  CHECK_THROWS_WITH(recipe({{"trainer.protocols", Node::list({Node("sliding")})}}),
                    "default: trainer.protocols = [\"sliding\"]: unknown protocol 'sliding' of task "
                    "masked_language_model; known: blocks");
}

}  // namespace masked_language_model_test
