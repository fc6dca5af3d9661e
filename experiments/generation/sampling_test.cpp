#include "experiments/generation/sampling.h"

#include <ATen/ATen.h>

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/testing/tiny.h"

namespace sampling_test {
using namespace subband;
using testing::LetterTokenizer;
using testing::TinyNet;

// How often each of four tokens is drawn, out of 4000.
std::vector<double> frequencies(double temperature, double top_p) {
  const at::Tensor logits = at::tensor({0.4, 0.1, 0.3, 0.2}).log();
  at::Generator generator = plain_generator(3);
  std::vector<double> counts(4);
  for (int draw = 0; draw < 4000; ++draw) {
    counts[static_cast<size_t>(draw_token(logits, temperature, top_p, generator))] += 1.0 / 4000;
  }
  return counts;
}

TEST_CASE("tokens are drawn with the softmax's probabilities", "[sampling]") {
  const double expected[] = {0.4, 0.1, 0.3, 0.2};
  const auto drawn = frequencies(1, 1);
  for (size_t i = 0; i < 4; ++i) CHECK(drawn[i] == Approx(expected[i]).margin(0.03));
}

TEST_CASE("a temperature of one half squares the odds", "[sampling]") {
  const double expected[] = {16. / 30, 1. / 30, 9. / 30, 4. / 30};
  const auto drawn = frequencies(0.5, 1);
  for (size_t i = 0; i < 4; ++i) CHECK(drawn[i] == Approx(expected[i]).margin(0.03));
}

TEST_CASE("top-p keeps the smallest set that reaches it", "[sampling]") {
  const auto drawn = frequencies(1, 0.6);  // 0.4 is not enough, 0.4 + 0.3 is
  CHECK(drawn[1] == 0);
  CHECK(drawn[3] == 0);
  CHECK(drawn[0] == Approx(4. / 7).margin(0.03));
}

TEST_CASE("temperature 0 takes the likeliest token", "[sampling]") {
  CHECK(frequencies(0, 1)[0] == Approx(1));
}

TEST_CASE("a sample begins with its prompt, has the asked length, and repeats with its seed", "[sampling]") {
  Initializer initializer(plain_generator(5));
  TinyNet net({.dropout = 0.5, .carry = true}, {27, 8, &initializer});
  const LetterTokenizer tokenizer({}, {});
  const auto sample = [&](uint64_t seed) {
    return sample_text(net, tokenizer,
                       {.config = {.prompt = "once", .tokens = 30}, .length = 8, .seed = seed});
  };
  const std::string text = sample(1);
  CHECK(text.size() == 34);
  CHECK(text.starts_with("once"));
  CHECK(sample(1) == text);
  CHECK(sample(2) != text);
  CHECK(net.is_training());
}

/// Writes down what it is fed; the likeliest token is the number of tokens that it has seen, behind which it ends.
class Counting final : public Net {
 public:
  explicit Counting(int64_t most) : most_(most) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override {
    if (pass.state) pass.state->advance(ids_BL.size(1));
    fed.push_back(ids_BL.size(1));
    return at::one_hot(at::full({1, ids_BL.size(1)}, pass.position() % 26, at::kLong), 27).to(at::kFloat);
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most_tokens() const override { return most_; }
  std::vector<int64_t> fed;

 private:
  int64_t most_;
};

TEST_CASE("a sample is read token by token, and begun anew with half a window where positions end", "[sampling]") {
  const auto fed = [](int64_t most, const char* prompt) {
    Counting net(most);
    sample_text(net, LetterTokenizer({}, {}),
                {.config = {.prompt = prompt, .tokens = 6, .temperature = 0}, .length = 3});
    return net.fed;
  };
  using Pieces = std::vector<int64_t>;
  CHECK(fed(Net::kEndless, "once") == Pieces{4, 1, 1, 1, 1, 1});
  CHECK(fed(6, "once") == Pieces{4, 1, 1, 3, 1, 1});
  CHECK(fed(4, "twelve") == Pieces{2, 1, 1, 2, 1, 1});
  CHECK(fed(1, "once") == Pieces{1, 1, 1, 1, 1, 1});
  CHECK(fed(0, "once") == Pieces{3, 3, 3, 3, 3, 3});  // windows alone
}

TEST_CASE("a prompt without tokens is refused", "[sampling]") {
  Initializer initializer(plain_generator(5));
  TinyNet net({}, {27, 8, &initializer});
  CHECK_THROWS_WITH(sample_text(net, LetterTokenizer({}, {}), {.config = {.prompt = "", .tokens = 1}}),
                    "samples.prompt: must have at least one token");
}

}  // namespace sampling_test
