#include <torch/torch.h>

#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/parts.h"

namespace subband::mixers::past_mean {
void add_to(MixerRegistry& r);
}

namespace subband::past_mean_test {

static std::shared_ptr<Mixer> made(int64_t width, bool causal = true) {
  Registry registry;
  mixers::past_mean::add_to(registry.of<Mixer>());
  return subband::make_part<Mixer>(registry, config::Node("past_mean"), {.width = width, .causal = causal});
}

TEST_CASE("past_mean is its definition", "[past_mean]") {
  const at::Tensor x = testing::random({2, 7, 3}, at::kDouble), y = made(3)->forward(x, {});
  for (int64_t t = 0; t < 7; ++t) CHECK(at::allclose(y.select(1, t), x.narrow(1, 0, t + 1).mean(1)));
}

TEST_CASE("past_mean goes on from a state", "[past_mean]") {
  const at::Tensor x = testing::random({2, 7, 3}, at::kDouble);
  const auto part = made(3);
  SequenceState state;
  const at::Tensor first = part->forward(x.narrow(1, 0, 4), {.state = &state});
  state.advance(4);
  const at::Tensor rest = part->forward(x.narrow(1, 4, 3), {.state = &state});
  CHECK(at::allclose(at::cat({first, rest}, 1), part->forward(x, {})));
}

TEST_CASE("past_mean refuses to look ahead", "[past_mean]") {
  CHECK_THROWS_WITH(made(3, false), "mixer.type = past_mean: looks back alone: needs a causal net");
}

}  // namespace subband::past_mean_test
