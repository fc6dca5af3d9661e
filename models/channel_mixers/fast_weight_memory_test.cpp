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

TEST_CASE("the fast-weight memory learns by a step down its loss wherever a sequence goes on, in the state alone",
          "[fast_weight_memory]") {
  namespace test = fast_weight_memory_test;
  const at::NoGradGuard no_gradient;
  const double rate = 0.3;
  const testing::Workshop workshop;
  const auto memory = workshop.make<ChannelMixer>("fast_weight_memory", test::learning(rate), {.width = 8});
  const auto twin = workshop.make<ChannelMixer>("fast_weight_memory", test::learning(rate), {.width = 8});
  for (const auto& each : {memory, twin}) testing::perturb(*each, 0.3), each->eval();
  // A checkpoint may bring changes of its own; the twin's are those that the memory is to have learned besides.
  const at::Tensor imported = testing::random_double({25, 8}, 6) * 0.1, x = testing::random_double({1, 14, 8});
  at::Tensor known = twin->named_buffers()["value_deltas"];
  memory->named_buffers()["value_deltas"].copy_(imported);
  known.copy_(imported);
  SequenceState state;
  std::vector<at::Tensor> wanted, got;
  for (const int64_t first : {0, 6}) {
    const at::Tensor stretch = x.narrow(1, first, 6);
    wanted.push_back(twin->forward(stretch));
    known.copy_(known - rate * test::numeric_gradient(*twin, stretch));
  }
  wanted.push_back(twin->forward(x.narrow(1, 12, 2)));
  for (const auto& [first, length] : {std::pair<int64_t, int64_t>{0, 4}, {4, 9}, {13, 1}})
    got.push_back(memory->forward(x.narrow(1, first, length), &state.layer(0)));
  CHECK(at::cat(got, 1).allclose(at::cat(wanted, 1), 1e-7, 1e-8));
  CHECK((imported + state.layer(0).value("across.deltas")[0]).allclose(known, 1e-8, 1e-9));
  CHECK(memory->named_buffers()["value_deltas"].equal(imported));
  CHECK(state.bytes() == memory->state_bytes(14, 8));
}

TEST_CASE("a fast-weight memory without a rate learns nothing, nor does one in training", "[fast_weight_memory]") {
  namespace test = fast_weight_memory_test;
  const testing::Workshop workshop;
  const auto fixed = workshop.make<ChannelMixer>("fast_weight_memory", test::kSettings, {.width = 8});
  const auto training = workshop.make<ChannelMixer>("fast_weight_memory", test::learning(3), {.width = 8});
  fixed->eval(), training->train();
  const at::Tensor x = testing::random_double({1, 13, 8});
  for (const auto& each : {fixed, training}) {
    SequenceState state;
    CHECK(each->forward(x, &state.layer(0)).equal(each->forward(x)));
    CHECK(state.bytes() == 0);
  }
}
