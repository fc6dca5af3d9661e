#include "experiments/tasks/evaluation.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/testing/tiny_tokens.h"

namespace evaluation_test {
using namespace subband;
using testing::tiny_tokens;
using testing::TinyNet;
using testing::TinyTokens;

std::shared_ptr<TinyNet> net(TinyNet::Config config = {}) {
  Initializer initializer(plain_generator(5));
  return std::make_shared<TinyNet>(config, NetContext{27, 8, &initializer});
}

// Loss of target `position` of the text when the net sees the `context` tokens before it.
double token_loss(Net& net, const std::vector<int64_t>& ids, int64_t position, int64_t context) {
  const c10::NoGradGuard no_gradients;
  net.eval();
  net.reset_state();
  const std::vector<int64_t> seen(ids.begin() + position - context, ids.begin() + position);
  const at::Tensor logits = net.forward(at::tensor(seen).unsqueeze(0))[0][context - 1].to(at::kDouble);
  double sum = 0;
  for (int64_t v = 0; v < 27; ++v) sum += std::exp(logits[v].item<double>());
  return std::log(sum) - logits[ids[static_cast<size_t>(position)]].item<double>();
}

TEST_CASE("the published window counts come out of N = 287,644 tokens", "[evaluation]") {
  const auto counts = [](int64_t length, const char* protocol) {
    const WindowPlan plan = plan_windows(287644 - length, length, protocol);
    return std::pair{plan.windows, plan.scored};
  };
  CHECK(counts(256, "blocks") == std::pair<int64_t, int64_t>{1123, 287488});
  CHECK(counts(256, "sliding") == std::pair<int64_t, int64_t>{2246, 287616});
  CHECK(counts(512, "blocks").first == 561);
  CHECK(counts(512, "sliding").first == 1122);
}

TEST_CASE("blocks scores every target of disjoint windows, each from its own window's start",
          "[evaluation]") {
  const TinyTokens text =
      tiny_tokens("valid");  // 101 tokens: 12 windows of 8, the last 4 targets are dropped
  const auto subject = net();
  double total = 0;
  for (int64_t target = 1; target <= 96; ++target)
    total += token_loss(*subject, text.ids, target, (target - 1) % 8 + 1);
  for (const int64_t batch : {1, 5, 64}) {
    const Score result = score(*subject, text.tokens, "blocks", {.length = 8, .batch = batch});
    CHECK(result.scored == 96);
    CHECK(result.total_nats == Approx(total).epsilon(1e-6));
  }
}

TEST_CASE("all scores every target, those behind the last whole window in a shorter one", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");  // 101 tokens: 12 windows of 8, and 4 targets more
  const auto subject = net();
  double total = 0;
  for (int64_t target = 1; target <= 100; ++target)
    total += token_loss(*subject, text.ids, target, (target - 1) % 8 + 1);
  for (const int64_t batch : {1, 5, 64}) {
    const Score result = score(*subject, text.tokens, "all", {.length = 8, .batch = batch});
    CHECK(result.scored == 100);
    CHECK(result.unscored == 0);
    CHECK(result.total_nats == Approx(total).epsilon(1e-6));
  }
  CHECK(score(*subject, text.tokens, "all", {.length = 10, .batch = 3}).scored == 100);  // nothing behind
  CHECK(score(*subject, text.tokens, "all", {.length = 500, .batch = 3}).scored == 100);  // shorter than a window
  const Score part = score(*subject, text.tokens, "all", {.length = 8, .batch = 2, .most_tokens = 19});
  CHECK(part.scored == 19);
  CHECK(part.unscored == 81);
}

TEST_CASE("the published protocols count what they leave unscored", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net();
  for (const auto& [protocol, unscored] : {std::pair{"blocks", 4}, {"sliding", 0}, {"streaming", 4}})
    CHECK(score(*subject, text.tokens, protocol, {.length = 8, .batch = 3}).unscored == unscored);
  const TinyTokens short_text = tiny_tokens("test");  // 75 tokens
  CHECK(score(*subject, short_text.tokens, "sliding", {.length = 7, .batch = 3}).unscored == 1);
}

TEST_CASE("an evaluation of a part scores the first windows alone", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net();
  double total = 0;
  for (int64_t target = 1; target <= 24; ++target)
    total += token_loss(*subject, text.ids, target, (target - 1) % 8 + 1);
  for (const int64_t most : {24, 31}) {
    const Score result =
        score(*subject, text.tokens, "blocks", {.length = 8, .batch = 2, .most_tokens = most});
    CHECK(result.scored == 24);
    CHECK(result.total_nats == Approx(total).epsilon(1e-6));
  }
  CHECK(score(*subject, text.tokens, "blocks", {.length = 8, .most_tokens = 1}).scored == 8);
  CHECK(score(*subject, text.tokens, "sliding", {.length = 8, .most_tokens = 1000}).scored ==
        score(*subject, text.tokens, "sliding", {.length = 8}).scored);
}

TEST_CASE("sliding scores each target once, with at least half a window of context after the first",
          "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net();
  double total = 0;  // targets 1 to 8 from the first window, then 4 from each further one
  for (int64_t target = 1; target <= 100; ++target) {
    total += token_loss(*subject, text.ids, target, target <= 8 ? target : 5 + (target - 1) % 4);
  }
  for (const int64_t batch : {1, 3, 64}) {
    const Score result = score(*subject, text.tokens, "sliding", {.length = 8, .batch = batch});
    CHECK(result.scored == 100);
    CHECK(result.total_nats == Approx(total).epsilon(1e-6));
  }
}

/// Writes down what it is told.
class Spy final : public Net {
 public:
  at::Tensor forward(const at::Tensor& ids_BL) override {
    events += "read " + std::to_string(ids_BL.size(0)) + "x" + std::to_string(ids_BL.size(1)) + " ";
    return at::zeros({ids_BL.size(0), ids_BL.size(1), 27});
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t learns_every() const override { return 3; }
  void learn(const at::Tensor& ids_BL) override {
    for (int64_t i = 0; i < ids_BL.size(1); ++i) learned.push_back(ids_BL[0][i].item<int64_t>());
    events += "learn " + std::to_string(ids_BL.size(1)) + " ";
  }
  std::string events;
  std::vector<int64_t> learned;
};

TEST_CASE("streaming reads one window after another, carries its state on, and learns what it has scored",
          "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net({.carry = true});
  const Score result = score(*subject, text.tokens, "streaming", {.length = 8, .batch = 64});
  CHECK(result.scored == 96);
  const c10::NoGradGuard no_gradients;
  subject->reset_state();
  double total = 0;
  const at::Tensor ids = at::tensor(text.ids);
  for (int64_t window = 0; window < 12; ++window)
    total +=
        subject
            ->loss(ids.narrow(0, window * 8, 8).unsqueeze(0), ids.narrow(0, window * 8 + 1, 8).unsqueeze(0))
            .item<double>() *
        8;
  CHECK(result.total_nats == Approx(total).epsilon(1e-6));
  CHECK_FALSE(
      result.total_nats ==
      Approx(score(*subject, text.tokens, "blocks", {.length = 8, .batch = 1}).total_nats).epsilon(1e-6));
  Spy spy;
  score(spy, text.tokens, "streaming", {.length = 8, .batch = 64});
  CHECK(spy.events.starts_with("read 1x8 learn 3 learn 3 read 1x8 learn 3 "));
  CHECK(spy.learned.size() == 12 * 6);
  for (size_t i = 0; i < 6; ++i) CHECK(spy.learned[6 + i] == text.ids[8 + i]);
}

TEST_CASE("an evaluation neither uses nor disturbs dropout, carried state and mode", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net({.dropout = 0.5, .carry = true}), plain = net();
  subject->train();
  subject->set_generator(plain_generator(1));
  subject->forward(at::tensor(text.ids).narrow(0, 0, 24).reshape({3, 8}));
  const at::Tensor state = subject->state().clone();
  const double expected = score(*plain, text.tokens, "blocks", {.length = 8, .batch = 3}).loss();
  CHECK(score(*subject, text.tokens, "blocks", {.length = 8, .batch = 3}).loss() == expected);
  CHECK(subject->state().equal(state));
  CHECK(subject->is_training());
  CHECK(c10::GradMode::is_enabled());
  CHECK(subject->forward(at::tensor({1, 2}).unsqueeze(0)).requires_grad());
}

TEST_CASE("an estimate is the mean over fixed batches, the same every time", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net();
  RandomWindows windows(text.tokens, {.batch = 3, .length = 8, .seed = 1, .stream = "valid"});
  const double loss = estimate_loss(*subject, windows, 4, "fp32");
  CHECK(loss == estimate_loss(*subject, windows, 4, "fp32"));
  double expected = 0;
  for (uint64_t k = 0; k < 4; ++k) {
    const Batch& batch = windows.draw(k);
    const c10::NoGradGuard no_gradients;
    expected += subject->loss(batch.inputs_BL, batch.targets_BL).item<double>() / 4;
  }
  CHECK(loss == Approx(expected).epsilon(1e-6));
}

TEST_CASE("perplexities and bits per byte follow from the loss and the whole split's sizes", "[evaluation]") {
  const TinyTokens text = tiny_tokens("test");  // 75 tokens, 75 bytes, 25 words
  Metrics metrics = loss_metrics("test", "sliding", 0.5, text.tokens);
  CHECK(metrics.at("test.loss_sliding") == 0.5);
  CHECK(metrics.at("test.ppl_sliding") == Approx(std::exp(0.5)));
  CHECK(metrics.at("test.bpb_sliding") == Approx(0.5 / std::log(2.0)));
  CHECK(metrics.at("test.word_ppl_sliding") == Approx(std::exp(1.5)));
  CHECK(metrics.size() == 4);
  metrics = loss_metrics("valid", "blocks", 0.5, tiny_tokens("valid").tokens);
  CHECK(metrics.contains("valid.bpb"));
  CHECK(metrics.size() == 3);  // no words, no perplexity per word
}

TEST_CASE("evaluating a text shorter than a window is refused", "[evaluation]") {
  const TinyTokens text = tiny_tokens("test");
  CHECK_THROWS_AS(score(*net(), text.tokens, "blocks", {.length = 75, .batch = 1}), ConfigError);
}

}  // namespace evaluation_test
