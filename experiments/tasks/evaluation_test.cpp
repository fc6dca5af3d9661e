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

TEST_CASE("streaming reads one window after another from one state", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const at::Tensor ids = at::tensor(text.ids);
  const c10::NoGradGuard no_gradients;
  for (const bool carries : {false, true}) {
    const auto subject = net({.carry = carries});
    const Score result = score(*subject, text.tokens, "streaming", {.length = 8, .batch = 64});
    CHECK(result.scored == 96);
    SequenceState state;
    double total = 0;
    for (int64_t window = 0; window < 12; ++window) {
      if (carries) state.next_window();  // as its training windows begin
      total += subject
                   ->loss(ids.narrow(0, window * 8, 8).unsqueeze(0),
                          ids.narrow(0, window * 8 + 1, 8).unsqueeze(0), {.state = &state})
                   .item<double>() *
               8;
    }
    CHECK(result.total_nats == Approx(total).epsilon(1e-6));
    CHECK_FALSE(result.total_nats ==
                Approx(score(*subject, text.tokens, "blocks", {.length = 8, .batch = 1}).total_nats).epsilon(1e-6));
  }
  // Without windows of its own a stream is one long one.
  const auto whole = net();
  const Score streamed = score(*whole, text.tokens, "streaming", {.length = 8, .batch = 1});
  CHECK(streamed.total_nats ==
        Approx(96 * whole->loss(ids.narrow(0, 0, 96).unsqueeze(0), ids.narrow(0, 1, 96).unsqueeze(0)).item<double>())
            .epsilon(1e-6));
}

/// Goes on for ten tokens, if at all.
class Short final : public Net {
 public:
  explicit Short(int64_t most) : most_(most) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass&) override {
    return at::zeros({ids_BL.size(0), ids_BL.size(1), 27});
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most_tokens() const override { return most_; }

 private:
  int64_t most_;
};

TEST_CASE("a stream longer than the net can go on is refused before it begins", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  Short ten(10), none(0);
  CHECK_THROWS_WITH(score(ten, text.tokens, "streaming", {.length = 8, .batch = 1}),
                    "trainer.protocols = streaming: this net goes on for 10 tokens, the text has 96");
  CHECK_THROWS_WITH(
      score(none, text.tokens, "streaming", {.length = 8, .batch = 1}),
      "trainer.protocols = streaming: this net reads whole windows and cannot go on from a past");
}

TEST_CASE("an evaluation neither uses nor disturbs dropout and mode", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net({.dropout = 0.5, .carry = true}), plain = net();
  subject->train();
  subject->set_generator(plain_generator(1));
  const double expected = score(*plain, text.tokens, "blocks", {.length = 8, .batch = 3}).loss();
  CHECK(score(*subject, text.tokens, "blocks", {.length = 8, .batch = 3}).loss() == expected);
  CHECK(subject->is_training());
  CHECK(c10::GradMode::is_enabled());
  CHECK(subject->forward(at::tensor({1, 2}).unsqueeze(0)).requires_grad());
}

TEST_CASE("an estimate is the mean over fixed batches, the same every time", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  const auto subject = net();
  RandomWindows windows(text.tokens, {.batch = 3, .length = 8, .seed = 1, .stream = "valid"});
  const TaskUse use{.batch = 3, .estimate_batches = 4};
  const double loss = estimate_loss(*subject, windows, use);
  CHECK(loss == estimate_loss(*subject, windows, use));
  double expected = 0;
  for (uint64_t k = 0; k < 4; ++k) {
    const Batch& batch = windows.draw(k);
    const c10::NoGradGuard no_gradients;
    expected += subject->loss(batch.inputs_BL, batch.targets_BL).item<double>() / 4;
  }
  CHECK(loss == Approx(expected).epsilon(1e-6));
}

// A net that remembers how many rows it was shown at once, at most.
class RowCounter final : public Net {
 public:
  explicit RowCounter(std::shared_ptr<Net> counted) : counted_(std::move(counted)) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override {
    most = std::max(most, ids_BL.size(0));
    return counted_->forward(ids_BL, pass);
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most = 0;

 private:
  std::shared_ptr<Net> counted_;
};

TEST_CASE("an estimate whose batches are computed in parts is that of the whole, to rounding", "[evaluation]") {
  const TinyTokens text = tiny_tokens("valid");
  RandomWindows windows(text.tokens, {.batch = 7, .length = 8, .seed = 1, .stream = "valid"});
  const auto measured = [&](int64_t parts) {
    RowCounter counted(net());
    const TaskUse use{.batch = 7, .parts = parts, .estimate_batches = 3};
    Metrics all = {{"loss", estimate_loss(counted, windows, use)}};
    AskedTokens asked;
    {
      const EvaluationMode mode(counted);
      Batch batch = windows.draw(0);
      batch.targets_BL = batch.targets_BL.clone();
      batch.targets_BL.narrow(0, 0, 3).narrow(1, 0, 5).fill_(kNoTarget);  // uneven
      asked.add(counted, batch, use);
    }
    all.merge(asked.metrics("valid", ""));
    CHECK(counted.most == use.at_once());
    return all;
  };
  const Metrics whole = measured(1);
  for (const int64_t parts : {2, 3, 7}) {
    const Metrics each = measured(parts);
    for (const auto& [name, value] : whole) CHECK(each.at(name) == Approx(value).epsilon(1e-6));
  }
  CHECK(TaskUse{.batch = 7, .parts = 2}.at_once() == 4);
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
