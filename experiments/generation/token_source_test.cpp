#include "experiments/generation/token_source.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/testing/tiny.h"

namespace token_source_test {
using namespace subband;
using testing::TinyNet;

/// Writes down what it is fed; the likeliest token is the number of tokens that it has seen, behind which it ends.
class Counting final : public Net {
 public:
  explicit Counting(int64_t most) : most_(most) {}
  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override {
    if (pass.state) pass.state->advance(ids_BL.size(1));
    fed.push_back(ids_BL.size(1));
    return at::one_hot(at::full({ids_BL.size(0), ids_BL.size(1)}, pass.position() % 26, at::kLong), 27).to(at::kFloat);
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  int64_t most_tokens() const override { return most_; }
  std::vector<int64_t> fed;

 private:
  int64_t most_;
};

// What the net is fed for six tokens behind a prompt.
static std::vector<int64_t> fed(int64_t most, size_t prompt, bool slides = false, int64_t length = 3) {
  Counting net(most);
  TokenSource source(net, {.length = length, .slides = slides});
  std::vector<int32_t> ids(prompt, 1);
  for (int token = 0; token < 6; ++token) {
    source.after({&ids}, std::ssize(ids));
    ids.push_back(2);
  }
  return net.fed;
}

TEST_CASE("a text is read token by token, and begun anew with half a window where positions end", "[token_source]") {
  using Pieces = std::vector<int64_t>;
  CHECK(fed(Net::kEndless, 4) == Pieces{4, 1, 1, 1, 1, 1});
  CHECK(fed(Net::kEndless, 1200) == Pieces{512, 512, 176, 1, 1, 1, 1, 1});
  CHECK(fed(6, 4) == Pieces{4, 1, 1, 3, 1, 1});
  CHECK(fed(4, 6) == Pieces{2, 1, 1, 2, 1, 1});
  CHECK(fed(1, 4) == Pieces{1, 1, 1, 1, 1, 1});
  CHECK(fed(0, 4) == Pieces{3, 3, 3, 3, 3, 3});  // windows alone
}

TEST_CASE("the original's window grows from the prompt and then slides", "[token_source]") {
  using Pieces = std::vector<int64_t>;
  CHECK(fed(Net::kEndless, 2, true, 4) == Pieces{2, 3, 4, 4, 4, 4});
}

TEST_CASE("a sliding window gives the logits of that window, and hands on what goes across windows", "[token_source]") {
  const c10::NoGradGuard no_gradient;
  for (const bool carry : {false, true}) {
    Initializer initializer(plain_generator(5));
    TinyNet net({.carry = carry}, {27, 8, &initializer});
    net.to(at::kDouble), net.eval();
    TokenSource source(net, {.length = 4, .slides = true});
    std::vector<int32_t> ids = {3, 1, 4};
    SequenceState state;
    for (int32_t token = 5; token < 12; ++token) {
      ids.push_back(token);
      const int64_t window = std::min<int64_t>(4, std::ssize(ids));
      const at::Tensor fed = at::tensor(at::ArrayRef<int32_t>(ids).slice(ids.size() - static_cast<size_t>(window)), at::kLong);
      state.next_window();
      const at::Tensor wanted = net.forward(fed.unsqueeze(0), {.state = &state}).select(0, 0).select(0, -1);
      CHECK(at::equal(source.after({&ids}, std::ssize(ids))[0], wanted));
    }
  }
}

TEST_CASE("texts that are kept go on from their own past", "[token_source]") {
  const c10::NoGradGuard no_gradient;
  Initializer initializer(plain_generator(5));
  TinyNet net({}, {27, 8, &initializer});
  net.to(at::kDouble), net.eval();
  std::vector<int32_t> a = {1, 2, 3}, b = {4, 5, 6}, c = {7, 8, 9};
  TokenSource together(net, {}), alone(net, {});
  together.after({&a, &b, &c}, 3);
  together.keep({2, 0});
  a.push_back(10), c.push_back(11);
  const at::Tensor logits = together.after({&c, &a}, 4);
  CHECK(at::allclose(logits[1], alone.after({&a}, 4)[0], 1e-12, 1e-12));
}

}  // namespace token_source_test
