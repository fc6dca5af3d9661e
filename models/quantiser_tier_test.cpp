#include "models/quantiser_tier.h"

#include <set>

#include "models/testing/waveletlm.h"

using namespace subband;

namespace quantiser_tier_test {

using testing::integer;
using testing::numbers;
using Node = config::Node;
using Tiers = std::set<QuantiserTier>;

const Tiers kMixers = {QuantiserTier::mixer_coarse, QuantiserTier::mixer_mid, QuantiserTier::mixer_fine};

// The released model of 882,511,981 parameters.
const Net& released_model() {
  static const auto net = testing::make_net({{"width", integer(2048)},
                                             {"block.levels", integer(5)},
                                             {"block.dilation.type", Node("crawl")},
                                             {"block.scale_mixer.low_rank", integer(4)},
                                             {"block.scale_mixer.widths", numbers({1, 1, 1, 0.5, 0.5, 0.5})},
                                             {"block.scale_mixer.routing", Node(true)},
                                             {"block.channel_mixers.mlp.expansion", integer(20)},
                                             {"block.channel_mixers.product_key_memory.keys", integer(16384)},
                                             {"block.channel_mixers.fast_weight_memory.keys", integer(16384)},
                                             {"block.per_layer_embedding", Node(true)}},
                                            50257, Initializer::meta());
  return *net;
}

// MiB of all parameters and buffers with these tiers at 8 bits: a byte a weight and a scale of 4 bytes for every row, of
// an embedding for the whole table.
double mebibytes(const Tiers& quantised) {
  double bytes = 0;
  for (const at::Tensor& buffer : released_model().buffers())
    bytes += 4.0 * static_cast<double>(buffer.numel());
  for (const Parameter& each : parameters_of(released_model())) {
    const auto values = static_cast<double>(each.value.numel());
    const bool is_table = each.purpose.role == Role::embedding;
    if (quantised.contains(tier_of(each.purpose)))
      bytes += values + 4.0 * (is_table ? 1 : static_cast<double>(each.value.size(0)));
    else
      bytes += 4 * values;
  }
  return bytes / (1 << 20);
}

TEST_CASE("the tiers of the released model give the sizes that the original reports", "[quantiser_tier]") {
  const auto with = [](Tiers tiers, const Tiers& more) {
    tiers.insert(more.begin(), more.end());
    return tiers;
  };
  const Tiers mlp = {QuantiserTier::mlp}, embedding = {QuantiserTier::embedding},
              lifting = {QuantiserTier::lifting};
  const Tiers uniform = with(with(kMixers, mlp), embedding);
  CHECK(mebibytes(kMixers) == Approx(3370.7).margin(0.06));
  CHECK(mebibytes(mlp) == Approx(2566.9).margin(0.06));
  CHECK(mebibytes(embedding) == Approx(3033.8).margin(0.06));
  CHECK(mebibytes(lifting) == Approx(3382.7).margin(0.06));
  CHECK(mebibytes(uniform) == Approx(1726.4).margin(0.06));
  CHECK(mebibytes(with(uniform, lifting)) == Approx(1486.5).margin(0.06));
}

TEST_CASE("the scale of a projection decides its tier, and memories, norms and biases have none",
          "[quantiser_tier]") {
  const auto of_scale = [](int64_t scale) { return tier_of({.role = Role::mixing, .scale = scale}); };
  CHECK(of_scale(2) == QuantiserTier::mixer_coarse);
  CHECK(of_scale(3) == QuantiserTier::mixer_mid);
  CHECK(of_scale(5) == QuantiserTier::mixer_mid);
  CHECK(of_scale(6) == QuantiserTier::mixer_fine);
  CHECK(tier_of({.role = Role::gate}) == QuantiserTier::mlp);
  for (const Role role : {Role::memory_key, Role::memory_value, Role::norm, Role::bias, Role::gain,
                          Role::decay, Role::router, Role::low_rank})
    CHECK(tier_of({.role = role, .scale = 1}) == QuantiserTier::none);
}

}  // namespace quantiser_tier_test
