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
