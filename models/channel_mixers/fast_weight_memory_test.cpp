#include "core/testing/catch.h"
#include "models/channel_mixer.h"
#include "models/testing/build.h"

using namespace subband;

namespace fast_weight_memory_test {
const testing::Settings kSettings = {{"keys", testing::integer(25)}, {"top_k", testing::integer(4)}};
}

TEST_CASE("without changes the fast-weight memory is a product-key memory", "[fast_weight_memory]") {
  const testing::Workshop workshop;
  const auto fast =
      workshop.make<ChannelMixer>("fast_weight_memory", fast_weight_memory_test::kSettings, {.width = 8});
  const auto plain =
      workshop.make<ChannelMixer>("product_key_memory", fast_weight_memory_test::kSettings, {.width = 8});
  const at::Tensor x = testing::random_double({2, 5, 8});
  CHECK(fast->forward(x).equal(plain->forward(x)));
  CHECK(fast->named_buffers()["value_deltas"].sizes() == at::IntArrayRef({25, 8}));
}

TEST_CASE("changes of the fast-weight memory count as soon as they are written, and as soon as they are gone",
          "[fast_weight_memory]") {
  const auto memory = testing::Workshop().make<ChannelMixer>(
      "fast_weight_memory", fast_weight_memory_test::kSettings, {.width = 8});
  const at::NoGradGuard no_gradient;
  const at::Tensor x = testing::random_double({2, 5, 8}), before = memory->forward(x);
  at::Tensor deltas = memory->named_buffers()["value_deltas"];
  deltas.fill_(0.5);
  CHECK(memory->forward(x).allclose(before + 0.5, 1e-10, 1e-10));  // the weights of a position sum to one
  deltas.zero_();
  CHECK(memory->forward(x).equal(before));
}

namespace fast_weight_memory_test {

testing::Settings learning(double rate) {
  testing::Settings settings = kSettings;
  settings.emplace_back("update_rate", testing::number(rate));
  settings.emplace_back("update_every", testing::integer(6));
  return settings;
}

/// mean((y(h_t) - h_{t+1})²) with the gradient's definition: a difference per entry of the deltas.
at::Tensor numeric_gradient(ChannelMixer& memory, const at::Tensor& x) {
  at::Tensor deltas = memory.named_buffers()["value_deltas"];
  const int64_t pairs = x.size(1) - 1;
  const auto loss = [&] {
    return (memory.forward(x.narrow(1, 0, pairs).contiguous()) - x.narrow(1, 1, pairs))
        .square()
        .mean()
        .item<double>();
  };
  at::Tensor gradient = at::zeros_like(deltas);
  const double step = 1e-4;
  for (int64_t row = 0; row < deltas.size(0); ++row)
    for (int64_t c = 0; c < deltas.size(1); ++c) {
      const double before = deltas[row][c].item<double>();
      deltas[row][c].fill_(before + step);
      const double up = loss();
      deltas[row][c].fill_(before - step);
      gradient[row][c] = (up - loss()) / (2 * step);
      deltas[row][c].fill_(before);
    }
  return gradient;
}

}  // namespace fast_weight_memory_test

TEST_CASE("the fast-weight memory learns by a step down its loss, without gradients enabled, and forgets",
          "[fast_weight_memory]") {
  namespace test = fast_weight_memory_test;
  const at::NoGradGuard no_gradient;
  const double rate = 0.3;
  const auto memory =
      testing::Workshop().make<ChannelMixer>("fast_weight_memory", test::learning(rate), {.width = 8});
  testing::perturb(*memory, 0.3);
  at::Tensor deltas = memory->named_buffers()["value_deltas"];
  deltas.copy_(testing::random_double({25, 8}, 6) * 0.1);  // a checkpoint may bring its own
  const at::Tensor imported = deltas.clone();
  const at::Tensor x = testing::random_double({2, 5, 8}), before = memory->forward(x);
  CHECK(memory->learns_every() == 6);
  for (int update = 0; update < 2; ++update) {
    const at::Tensor expected = deltas - rate * test::numeric_gradient(*memory, x);
    memory->learn(x);
    CHECK(deltas.allclose(expected, 1e-8, 1e-9));
  }
  CHECK_FALSE(memory->forward(x).allclose(before, 1e-6, 1e-6));
  memory->forget();
  CHECK(deltas.equal(imported));
  CHECK(memory->forward(x).equal(before));
  memory->learn(x.narrow(1, 0, 1));  // one position has no next one
  CHECK(deltas.equal(imported));
}

TEST_CASE("a fast-weight memory without a rate learns nothing", "[fast_weight_memory]") {
  namespace test = fast_weight_memory_test;
  const auto memory =
      testing::Workshop().make<ChannelMixer>("fast_weight_memory", test::kSettings, {.width = 8});
  memory->learn(testing::random_double({2, 5, 8}));
  CHECK(memory->learns_every() == 0);
  CHECK(memory->named_buffers()["value_deltas"].abs().max().item<double>() == 0);
}
