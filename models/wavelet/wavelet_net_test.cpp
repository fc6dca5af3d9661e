// What a net of WaveletLM blocks does besides answering as the original (nets/wavelet_lm_test.cpp).
#include "models/wavelet/wavelet_net.h"

#include <cmath>

#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "models/layers/dropout.h"
#include "models/testing/waveletlm.h"

using namespace subband;

namespace wavelet_net_test {

using testing::best_like;
using testing::integer;
using testing::number;
using testing::Settings;
using testing::with;
using Node = config::Node;

std::shared_ptr<Net> make_net(const Settings& settings, int64_t vocabulary) {
  return testing::make_net(settings, vocabulary, Initializer(plain_generator(1337)));
}

TEST_CASE("later tokens do not touch earlier logits, bit for bit", "[wavelet_net]") {
  const auto net = make_net(best_like(), 37);
  testing::perturb(*net, 0.1);
  const at::NoGradGuard no_gradient;
  at::Generator generator = plain_generator(6);
  const at::Tensor ids = at::randint(0, 37, {3, 29}, generator);
  at::Tensor edited = ids.clone();
  edited.narrow(1, 17, 12).copy_((ids.narrow(1, 17, 12) + 1).remainder(37));
  const at::Tensor before = net->forward(ids), after = net->forward(edited);
  CHECK(before.narrow(1, 0, 17).equal(after.narrow(1, 0, 17)));
  CHECK_FALSE(before.select(1, 17).equal(after.select(1, 17)));
  CHECK_FALSE(before.select(1, 28).equal(after.select(1, 28)));
}

TEST_CASE("training noise repeats with its generator, and there is none without one", "[wavelet_net]") {
  const auto net = make_net({{"width", integer(16)},
                             {"layers", integer(3)},
                             {"block.levels", integer(2)},
                             {"stochastic_depth", number(0.5)},
                             {"dropout.embedding", number(0.2)},
                             {"dropout.projection", number(0.2)},
                             {"dropout.mixer", number(0.2)},
                             {"dropout.mlp", number(0.2)},
                             {"dropout.lm_head", number(0.2)},
                             {"block.lifting.dropout", number(0.2)}},
                            37);
  const at::Tensor ids = at::arange(20).view({2, 10});
  CHECK_THROWS_WITH(net->forward(ids),
                    "dropout: no generator to draw a mask from; call set_generator before training");
  const auto logits = [&](uint64_t seed) {
    net->set_generator(plain_generator(seed));
    return net->forward(ids).detach();
  };
  CHECK(logits(1).equal(logits(1)));
  CHECK_FALSE(logits(1).equal(logits(2)));
  net->eval();
  CHECK(logits(1).equal(logits(2)));
}

TEST_CASE("a carried state moves the first block of the next window, can be copied, and belongs to its batch",
          "[wavelet_net]") {
  const auto net = make_net(best_like(), 37);
  testing::perturb(*net, 0.1);
  const at::NoGradGuard no_gradient;
  const at::Tensor ids = at::arange(22).view({2, 11});
  SequenceState state;
  const at::Tensor first = net->forward(ids, {.state = &state});
  state.next_window();
  SequenceState copy = state;
  const at::Tensor second = net->forward(ids, {.state = &state});
  CHECK_FALSE(first.equal(second));
  CHECK(net->forward(ids, {.state = &copy}).equal(second));
  CHECK_THROWS_WITH(net->forward(ids.narrow(0, 0, 1), {.state = &copy}),
                    "wavelet_lm: ids: expected [2, *], got [1, 11]");
  CHECK(net->forward(ids).equal(first));
  CHECK(net->carries() == Carry::across);
  CHECK(make_net(with(best_like(), {{"block.bypass.cross_window", Node(false)}}), 37)->carries() == Carry::nothing);
}

TEST_CASE("stochastic depth never leaves out the first block, and the second of two half the time at rate 1",
          "[wavelet_net]") {
  const at::NoGradGuard no_gradient;
  const at::Tensor ids = at::randint(0, 11, {1, 4}, plain_generator(6));
  for (const int64_t layers : {1, 2}) {
    const auto net = make_net({{"width", integer(8)},
                               {"layers", integer(layers)},
                               {"block.levels", integer(1)},
                               {"stochastic_depth", number(1)}},
                              11);
    testing::perturb(*net);
    net->eval();
    const at::Tensor whole = net->forward(ids);
    net->train();
    net->set_generator(plain_generator(3));
    int64_t kept = 0;
    for (int call = 0; call < 200; ++call) kept += net->forward(ids).equal(whole);
    if (layers == 1)
      CHECK(kept == 200);
    else
      CHECK((kept > 75 && kept < 125));
  }
}

// With the wavelet path cut, a block only adds its embedding.
TEST_CASE("the embeddings that every block adds are not dropped out", "[wavelet_net]") {
  const at::NoGradGuard no_gradient;
  const auto net = make_net({{"width", integer(4)},
                             {"layers", integer(1)},
                             {"block.levels", integer(1)},
                             {"block.bypass", Node("none")},
                             {"block.channel_mixers", Node::map()},
                             {"block.learned_residual", Node(false)},
                             {"block.per_layer_embedding", Node(true)},
                             {"dropout.embedding", number(0.5)}},
                            11);
  const auto values = net->named_parameters();
  values["blocks.0.out.weight"].zero_();
  values["blocks.0.embedding_gain"].fill_(1);
  const at::Tensor ids = at::randint(0, 11, {2, 5}, plain_generator(6));
  net->train();
  net->set_generator(plain_generator(3));
  const Noise same{plain_generator(3)};
  const at::Tensor embedded = at::embedding(values["embedding.weight"], ids);
  const at::Tensor x = dropout(embedded, 0.5, true, &same) + embedded;
  const at::Tensor expected = at::linear(at::layer_norm(x, {4}), values["head.weight"]);
  CHECK(net->forward(ids).allclose(expected, 1e-5, 1e-6));
}

TEST_CASE(
    "the stabilisers of a net: all six by one word, the embedding times the root of the width, the "
    "projection at one over the root of width times layers",
    "[wavelet_net]") {
  const at::NoGradGuard no_gradient;
  const Settings small = {{"width", integer(12)},
                          {"layers", integer(3)},
                          {"block.levels", integer(2)},
                          {"tie_embedding", Node(false)}};
  const auto stabilised = [&](const std::vector<std::string>& words) {
    return make_net(with(small, {{"stabilize", testing::words(words)}}), 11);
  };
  const at::Tensor ids = at::randint(0, 11, {2, 5}, plain_generator(6));
  const auto all = stabilised({"all"});
  const auto six = stabilised(
      {"spectral_norm", "feed_forward", "embedding", "projection", "mixer_epsilon", "lifting_level"});
  CHECK(digest(named_tensors(*all)) == digest(named_tensors(*six)));
  CHECK(all->forward(ids).equal(six->forward(ids)));

  const auto plain = make_net(small, 11), scaled = stabilised({"embedding"});
  plain->named_parameters()["embedding.weight"].mul_(std::sqrt(12.0));
  CHECK(scaled->forward(ids).allclose(plain->forward(ids), 1e-5, 1e-6));

  const at::Tensor projection = stabilised({"projection"})->named_parameters()["blocks.2.out.weight"];
  REQUIRE(projection.sizes() == at::IntArrayRef({12, 16}));
  const double bound = 1 / std::sqrt(16.0) / std::sqrt(12.0 * 3);  // the usual bound, scaled
  CHECK(projection.abs().max().item<double>() <= bound * (1 + 1e-6));
  CHECK(projection.abs().max().item<double>() > bound * 0.98);
}

TEST_CASE("a net learns where a sequence goes on, for that sequence alone and in a batch of one", "[wavelet_net]") {
  const at::NoGradGuard no_gradient;
  const std::string first = "block.channel_mixers.fast_weight_memory.",
                    second = "block.channel_mixers.other.";
  const auto net = make_net({{"width", integer(8)},
                             {"layers", integer(2)},
                             {"block.levels", integer(2)},
                             {first + "keys", integer(9)},
                             {first + "update_rate", number(3)},
                             {first + "update_every", integer(4)},
                             {second + "type", Node("fast_weight_memory")},
                             {second + "keys", integer(4)},
                             {second + "update_rate", number(2)},
                             {second + "update_every", integer(6)}},
                            11);
  testing::perturb(*net);
  net->eval();
  const at::Tensor ids = at::randint(0, 11, {1, 15}, plain_generator(6)), fresh = net->forward(ids);
  SequenceState state;
  const at::Tensor learned = net->forward(ids, {.state = &state});
  CHECK(learned.narrow(1, 0, 4).allclose(fresh.narrow(1, 0, 4), 1e-5, 1e-6));  // nothing is learned yet
  CHECK_FALSE(learned.narrow(1, 4, 11).allclose(fresh.narrow(1, 4, 11), 1e-3, 1e-3));
  CHECK(net->forward(ids).equal(fresh));
  CHECK(state.bytes() == net->costs(15).state_bytes());
  SequenceState two;
  CHECK_THROWS_WITH(net->forward(ids.expand({2, 15}), {.state = &two}),
                    "fast_weight_memory: x, where weights learn: expected [1, *, *], got [2, 15, 8]");
}

}  // namespace wavelet_net_test
