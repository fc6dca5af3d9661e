#include "models/quantisation/sizes.h"

#include "models/quantisation/plan.h"
#include "models/quantisation/rounding.h"
#include "models/testing/waveletlm.h"

namespace sizes_test {

using namespace subband;
using config::Node;
using testing::integer;
using testing::numbers;
using Tiers = std::vector<QuantiserTier>;

const Tiers kMixers = {QuantiserTier::mixer_coarse, QuantiserTier::mixer_mid, QuantiserTier::mixer_fine};

// The released model of 882,511,981 parameters.
static const Net& released_model() {
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

static double mebibytes(const Tiers& tiers, int bits = 8) {
  QuantisationPlan plan;
  for (const QuantiserTier tier : tiers) plan.bits[tier] = bits;
  const NetSize size =
      net_size(released_model(), planned_forms(released_model(), plan), Accounting::original);
  CHECK(size.dense_bytes / (1 << 20) == Approx(3366.5).margin(0.06));
  return size.bytes / (1 << 20);
}

TEST_CASE("the tiers of the released model give the sizes that the original reports", "[sizes]") {
  const auto with = [](Tiers tiers, const Tiers& more) {
    tiers.insert(tiers.end(), more.begin(), more.end());
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
  CHECK(mebibytes(uniform, 4) == mebibytes(uniform, 8));  // a byte a value whatever its bits
}

TEST_CASE("honest sizes are those of what is packed, before and after packing", "[sizes]") {
  const auto net = testing::make_net({{"width", integer(48)}, {"block.levels", integer(4)}}, 65,
                                     Initializer(plain_generator(1)));
  const PackedForms forms = planned_forms(*net, QuantisationPlan::original());
  const NetSize planned = net_size(*net, forms, Accounting::honest);
  double bytes = 0;
  for (const Parameter& each : parameters_of(*net)) {
    const auto form = forms.find(each.name);
    bytes += form == forms.end() ? 4.0 * static_cast<double>(each.value.numel())
                                 : static_cast<double>(form->second.bytes());
  }
  for (const at::Tensor& buffer : net->buffers()) bytes += 4.0 * static_cast<double>(buffer.numel());
  CHECK(planned.bytes == bytes);
  CHECK(planned.bytes < planned.dense_bytes);
  CHECK(forms.at("embedding.weight").group == PackedForm::kTensor);
  CHECK(forms.at("head.weight").bits == 8);
  for (const auto& [name, matrix] : weight_matrices(*net)) {
    if (const auto form = forms.find(name); form != forms.end())
      matrix->pack(round_to_nearest(matrix->dense().detach(), form->second));
  }
  const NetSize packed = net_size(*net, {}, Accounting::honest);
  CHECK(packed.bytes == planned.bytes);
  CHECK(packed.dense_bytes == planned.dense_bytes);
  REQUIRE(packed.roles.size() == planned.roles.size());
  for (size_t i = 0; i < packed.roles.size(); ++i) CHECK(packed.roles[i].bits == planned.roles[i].bits);
}

}  // namespace sizes_test
