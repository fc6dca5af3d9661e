// What a text owes to the net behind it: its past, its table of vectors, numbers.
#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/generation/generator.h"
#include "experiments/generation/text_quality.h"
#include "experiments/testing/sampling.h"
#include "experiments/testing/tiny.h"
#include "models/layers/embedding.h"

namespace generator_rules_test {
using namespace subband;
using config::Node;
using testing::LetterTokenizer;
using testing::made_sampling;
using testing::TinyNet;
using Texts = std::vector<GeneratedText>;

static Texts drawn(Net& net, const std::vector<std::string>& prompts, GenerationOptions options, const Strategies& strategies = {}) {
  static const LetterTokenizer kLetters({}, {});
  std::vector<std::vector<int32_t>> ids(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) kLetters.encode(prompts[i], ids[i]);
  options.source.length = 8;
  return generate(net, kLetters, strategies, ids, options);
}

static TinyNet carrying_net() {
  Initializer initializer(plain_generator(5));
  return TinyNet({.carry = true}, {27, 8, &initializer});
}

// Logits of a table of vectors that can be packed; what is not a number from the `broken_at`-th token on.
class TableNet final : public Net {
 public:
  explicit TableNet(Initializer& initializer, int64_t broken_at = 1000)
      : broken_at_(broken_at), table_(register_module("table", std::make_shared<Embedding>(initializer, 27, 16, 1.0))) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass = {}) override {
    at::Tensor logits = table_->logits(table_->forward(ids_BL));
    const int64_t before = pass.position(), length = ids_BL.size(1);
    if (before + length >= broken_at_) logits = logits * std::nan("");
    if (pass.state) pass.state->advance(length);
    return logits;
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most_tokens() const override { return kEndless; }
  Embedding& table() { return *table_; }

 private:
  int64_t broken_at_;
  std::shared_ptr<Embedding> table_;
};

static void pack_table(Embedding& table) {
  const PackedForm form{.rows = 27, .columns = 16, .bits = 8, .group = PackedForm::kRow, .symmetric = true};
  const at::Tensor w = table.dense().detach(), scales = w.abs().amax(1, true) / 127;
  table.pack(packed_matrix(form, (w / scales).round().to(at::kChar), scales, {}));
}

static Strategies watching() {
  return Strategies({made_sampling("nucleus"), made_sampling("coherence", {{"levels", Node(int64_t{1})},
                                                                          {"window", Node(int64_t{4})},
                                                                          {"every", Node(int64_t{2})}})});
}

TEST_CASE("a text from a net that carries its past across windows does not depend on what is drawn with it", "[generator]") {
  TinyNet net = carrying_net();
  net.to(at::kDouble);
  const std::vector<std::string> prompts = {"once", "of many words", "a", "twos"};
  const Texts together = drawn(net, prompts, {.tokens = 30});
  for (size_t i = 0; i < prompts.size(); ++i)
    CHECK(together[i].text == drawn(net, {prompts[i]}, {.tokens = 30})[0].text);
}

TEST_CASE("an interrupted draw of several texts keeps one that was begun", "[generator]") {
  TinyNet net = carrying_net();
  std::atomic<bool> stop = false;
  // One text a group: the others are never begun.
  struct Stopping final : Sampling {
    explicit Stopping(std::atomic<bool>& flag) : stop(flag) {}
    SamplingStage stage() const override { return SamplingStage::penalty; }
    void apply(SamplingStep& step) const override {
      if (step.drawn() == 5) stop = true;
    }
    std::atomic<bool>& stop;
  };
  const Strategies best({made_sampling("best_of", {{"texts", Node(int64_t{3})}}), std::make_shared<Stopping>(stop)});
  const GeneratedText text = drawn(net, {"once"}, {.tokens = 50, .most_rows = 1, .stop = &stop}, best)[0];
  CHECK(text.ended == "interrupted");
  CHECK(text.tokens.size() == 6);
  CHECK(text.text.size() == 6);
}

TEST_CASE("coherence compares the vectors of a table that is packed, and says where a net has none", "[generator]") {
  Initializer initializer(plain_generator(6));
  TableNet net(initializer);
  pack_table(net.table());
  const GeneratedText text = drawn(net, {"once upon"}, {.tokens = 9}, watching())[0];
  CHECK(text.tokens[2].drift.has_value());
  class Bare final : public Net {
   public:
    at::Tensor forward(const at::Tensor& ids_BL, const Pass&) override {
      return at::zeros({ids_BL.size(0), ids_BL.size(1), 27});
    }
    PartCosts costs(int64_t, int64_t) const override { return {}; }
  } bare;
  CHECK_THROWS_WITH(drawn(bare, {"once"}, {.tokens = 3}, watching()),
                    "strategies: coherence compares the vectors of tokens, and the net has no table of them; remove coherence");
  CHECK(drawn(bare, {"once"}, {.tokens = 3})[0].text.size() == 3);
}

TEST_CASE("logits that are not numbers make no text", "[generator]") {
  Initializer initializer(plain_generator(6));
  TableNet net(initializer, 7);
  CHECK_THROWS_WITH(drawn(net, {"once"}, {.tokens = 9}), "generate: logits behind token 7 are not numbers");
  CHECK(drawn(net, {"once"}, {.tokens = 3})[0].text.size() == 3);
}

TEST_CASE("the smallest temperature takes the likeliest token", "[generator]") {
  const auto part = made_sampling("temperature", {{"value", Node(1e-300)}});
  SamplingStep step{.logits = {1, 3, 2}};
  part->apply(step);
  CHECK(step.logits == std::vector<double>{1e8, 3e8, 2e8});
}

}  // namespace generator_rules_test
