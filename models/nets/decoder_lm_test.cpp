#include <torch/torch.h>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/net.h"
#include "models/testing/build.h"
#include "models/testing/going_on.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace decoder_lm_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Net> decoder(Fields fields, Initializer first = Initializer(plain_generator(1))) {
  return testing::make_part<Net>("decoder_lm", {.vocabulary = 50, .length = 16, .initializer = &first},
                                 fields);
}

static int64_t parameters(const Net& net) {
  int64_t count = 0;
  for (const at::Tensor& each : net.parameters()) count += each.numel();
  return count;
}

static at::Tensor ids(int64_t batch, int64_t length) {
  return at::empty({batch, length}, at::kLong).random_(0, 50, stream(1, "ids"));
}

static Node two_heads() {
  Node mixer = Node::map();
  mixer.set("heads", Node(int64_t{2}));
  return mixer;
}

}  // namespace decoder_lm_test

using namespace decoder_lm_test;

TEST_CASE("the decoder has the parameters of its formula", "[decoder_lm]") {
  const int64_t V = 50, D = 32, L = 16, blocks = 2;
  const auto plain = decoder({{"width", Node(D)}, {"layers", Node(blocks)}});
  const int64_t attention = 4 * (D * D + D), mlp = 8 * D * D + 5 * D, norms = 4 * D;
  CHECK(parameters(*plain) == 2 * V * D + L * D + blocks * (attention + mlp + norms) + 2 * D);
  const auto lean =
      decoder({{"width", Node(D)}, {"tied", Node(true)}, {"positions", Node("none")}, {"norm", Node("rms")}});
  CHECK(parameters(*plain) - parameters(*lean) == V * D + L * D + (2 * blocks + 1) * D);
}

TEST_CASE("an untrained decoder knows nothing: its loss is ln V", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{32})}});
  const at::Tensor tokens = ids(8, 16);
  CHECK(net->loss(tokens.narrow(1, 0, 15), tokens.narrow(1, 1, 15)).item<double>() ==
        Approx(std::log(50.0)).margin(0.05));
}

TEST_CASE("the default loss is the mean cross-entropy of the logits", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{16})}});
  const at::Tensor tokens = ids(2, 9), targets = ids(2, 9).flip(1);
  const at::Tensor log = net->forward(tokens).to(at::kDouble).log_softmax(-1);
  double sum = 0;
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t t = 0; t < 9; ++t) sum -= log[b][t][targets[b][t].item<int64_t>()].item<double>();
  }
  CHECK(net->loss(tokens, targets).item<double>() == Approx(sum / 18).epsilon(1e-6));
}

TEST_CASE("no later token reaches an earlier logit, in either dress of the decoder", "[decoder_lm]") {
  Node rope = Node::map();
  rope.set("type", Node("softmax_attention"));
  rope.set("rope", Node("half"));
  Node swiglu = Node::map();
  swiglu.set("swiglu", Node::map());
  for (const Fields& fields : {Fields{{"width", Node(int64_t{16})}}, Fields{{"width", Node(int64_t{16})},
                                                                            {"mixer", rope},
                                                                            {"channel_mixers", swiglu},
                                                                            {"positions", Node("none")},
                                                                            {"norm", Node("rms")},
                                                                            {"tied", Node(true)}}}) {
    const auto net = decoder(fields);
    const at::Tensor tokens = ids(2, 12), before = net->forward(tokens);
    at::Tensor edited = tokens.clone();
    edited.narrow(1, 7, 5).fill_(3);
    const at::Tensor after = net->forward(edited);
    CHECK(at::equal(after.narrow(1, 0, 7), before.narrow(1, 0, 7)));
    CHECK_FALSE(at::equal(after, before));
  }
}

TEST_CASE("gpt2 initialisation draws linears from N(0, 0.02) and shrinks what enters the residual stream",
          "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{128})}, {"layers", Node(int64_t{8})}});
  const auto parameters = net->named_parameters();
  const auto deviation = [&](const char* name) { return parameters[name].std().item<double>(); };
  CHECK(deviation("embedding.weight") == Approx(0.02).epsilon(0.05));
  CHECK(deviation("head.weight") == Approx(0.02).epsilon(0.05));
  CHECK(deviation("blocks.0.mixer.q.weight") == Approx(0.02).epsilon(0.05));
  CHECK(deviation("blocks.7.mixer.out.weight") == Approx(0.005).epsilon(0.05));
  CHECK(parameters["blocks.0.mixer.q.bias"].abs().max().item<double>() == 0);
}

TEST_CASE("dropout draws from the generator that was handed over, in training only", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{16})}, {"dropout", Node(0.5)}});
  const at::Tensor tokens = ids(2, 9);
  net->train();
  net->set_generator(plain_generator(4));
  const at::Tensor first = net->forward(tokens);
  net->set_generator(plain_generator(4));
  CHECK(at::equal(net->forward(tokens), first));
  CHECK_FALSE(at::equal(net->forward(tokens), first));
  net->eval();
  CHECK(at::equal(net->forward(tokens), net->forward(tokens)));
}

TEST_CASE("a window longer than the learned positions is refused", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{16})}});
  CHECK_THROWS_WITH(net->forward(ids(1, 17)),
                    "decoder_lm: length of ids = 17: must be at most 16, the table of learned positions");
  CHECK_THROWS_WITH(net->forward(at::zeros({3}, at::kLong)), "decoder_lm: ids: expected [*, *], got [3]");
}

TEST_CASE("unlike blocks are cycled over the layers", "[decoder_lm]") {
  Node block = Node::map();
  block.set_at("mixer.type", Node("flash_attention"));
  block.set_at("mixer.heads", Node(int64_t{2}));
  block.set_at("channel_mixers.swiglu", Node::map());
  const auto net = decoder({{"width", Node(int64_t{16})},
                            {"layers", Node(int64_t{5})},
                            {"blocks", Node::list({Node("softmax_attention"), block})}});
  const auto names = net->named_parameters();
  for (int64_t layer = 0; layer < 5; ++layer) {
    const std::string channel = "blocks." + std::to_string(layer) + ".channel_mixers.";
    CHECK((names.find(channel + "mlp.net.0.weight") != nullptr) == (layer % 2 == 0));
    CHECK((names.find(channel + "swiglu.up.weight") != nullptr) == (layer % 2 == 1));
  }
  const auto plain = decoder({{"width", Node(int64_t{16})}, {"layers", Node(int64_t{3})}});
  const auto same = decoder({{"width", Node(int64_t{16})},
                             {"layers", Node(int64_t{3})},
                             {"blocks", Node::list({Node::map(), Node("softmax_attention")})}});
  CHECK(at::equal(plain->forward(ids(2, 7)), same->forward(ids(2, 7))));
}

TEST_CASE("a block of the list is refused with its place in the list", "[decoder_lm]") {
  Node block = Node::map();
  block.set("mixr", Node("softmax_attention"));
  CHECK_THROWS_WITH(decoder({{"blocks", Node::list({Node("softmax_attention"), block})}}),
                    "part.blocks.1.mixr: unknown key; did you mean 'mixer'? known: channel_mixers, mixer");
  CHECK_THROWS_WITH(decoder({{"blocks", Node::list({Node(int64_t{4})})}}),
                    "part.blocks = 4: expected a mixer's name, or a map with 'mixer' and 'channel_mixers'");
}

TEST_CASE("sinusoidal positions are the published table, for any length", "[decoder_lm]") {
  const auto net =
      decoder({{"width", Node(int64_t{6})}, {"positions", Node("sinusoidal")}, {"mixer", two_heads()}});
  std::vector<at::Tensor> hidden;
  const at::Tensor tokens = ids(1, 40);
  net->forward(tokens, {.hidden = &hidden});
  REQUIRE(hidden.size() == 3);
  const at::Tensor table = net->named_parameters()["embedding.weight"];
  for (int64_t p = 0; p < 40; ++p) {
    for (int64_t i = 0; i < 3; ++i) {
      const double angle = static_cast<double>(p) * std::pow(10000.0, -2.0 * static_cast<double>(i) / 6);
      const at::Tensor added = hidden[0][0][p] - table[tokens[0][p].item<int64_t>()];
      CHECK(added[2 * i].item<double>() == Approx(std::sin(angle)).margin(1e-6));
      CHECK(added[2 * i + 1].item<double>() == Approx(std::cos(angle)).margin(1e-6));
    }
  }
}

TEST_CASE("a padded batch gives every sequence the logits that it has alone", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{16})}});
  const at::Tensor tokens = ids(2, 9), keep = at::ones({2, 9}, at::kBool);
  keep[1].narrow(0, 5, 4).fill_(false);
  const at::Tensor logits = net->forward(tokens, {.keep_BL = keep});
  CHECK(at::allclose(logits[0], net->forward(tokens.narrow(0, 0, 1))[0], 0, 1e-6));
  CHECK(at::allclose(logits[1].narrow(0, 0, 5), net->forward(tokens.narrow(0, 1, 1).narrow(1, 0, 5))[0], 0,
                     1e-6));
  CHECK_THROWS_WITH(net->forward(tokens, {.keep_BL = keep.narrow(1, 0, 8)}),
                    "decoder_lm: keep: expected [2, 9], got [2, 8]");
}

TEST_CASE("normal initialisation shrinks nothing", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{128})},
                            {"layers", Node(int64_t{8})},
                            {"initialization", Node("normal")},
                            {"deviation", Node(0.05)}});
  const auto parameters = net->named_parameters();
  CHECK(parameters["blocks.7.mixer.out.weight"].std().item<double>() == Approx(0.05).epsilon(0.05));
  CHECK(parameters["embedding.weight"].std().item<double>() == Approx(0.05).epsilon(0.05));
}

TEST_CASE("the norms' epsilon is a field", "[decoder_lm]") {
  for (const char* kind : {"layer", "rms"}) {
    const auto net = decoder({{"width", Node(int64_t{16})},
                              {"norm", Node(kind)},
                              {"norm_epsilon", Node(0.5)},
                              {"tied", Node(true)}});
    std::vector<at::Tensor> hidden;
    net->forward(ids(1, 3), {.hidden = &hidden});
    // The embeddings are small, so an epsilon of 0.5 keeps the last norm's outputs far below unit size.
    CHECK(hidden.back().square().mean().item<double>() < 0.1);
  }
}

TEST_CASE("targets of -100 are not scored", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{16})}});
  const at::Tensor tokens = ids(2, 9);
  at::Tensor targets = ids(2, 9).flip(1).clone();
  targets.narrow(1, 4, 5).fill_(-100);
  CHECK(net->loss(tokens, targets).item<double>() ==
        Approx(net->loss(tokens.narrow(1, 0, 4), targets.narrow(1, 0, 4)).item<double>()).epsilon(1e-6));
}

TEST_CASE("token by token gives the logits of the whole window, whatever the positions", "[decoder_lm]") {
  Node rope = two_heads();
  rope.set("rope", Node("half"));
  for (const auto& [positions, mixer] :
       {std::pair<const char*, Node>{"learned", two_heads()}, {"sinusoidal", two_heads()}, {"none", rope}}) {
    const auto net =
        decoder({{"width", Node(int64_t{16})}, {"positions", Node(positions)}, {"mixer", mixer}});
    const torch::NoGradGuard no_gradient;
    const at::Tensor tokens = ids(2, 9), logits = net->forward(tokens);
    SequenceState state;
    CHECK(at::allclose(testing::in_pieces(*net, tokens, {4, 1}, state), logits, 1e-5, 1e-6));
    CHECK(state.position() == 9);
    CHECK(state.bytes() == 2 * 2 * 2 * 16 * 9 * 4);  // rows, layers, keys and values
  }
}

namespace decoder_lm_test {

// Two blocks whose mixers remember `memory` tokens; where `carries`, from window to window.
static std::shared_ptr<Net> remembering(bool carries, int64_t memory, double dropout = 0) {
  Node mixer = two_heads();
  mixer.set("type", Node("transformer_xl"));
  mixer.set("memory", Node(memory));
  const auto net = decoder({{"width", Node(int64_t{16})},
                            {"positions", Node("none")},
                            {"mixer", mixer},
                            {"deviation", Node(0.3)},
                            {"dropout", Node(dropout)},
                            {"carry_memory", Node(carries)}});
  net->to(at::kDouble);
  net->set_generator(plain_generator(4));
  return net;
}

static Node leaky_block(const Node& mixer) {
  Node block = Node::map();
  block.set("mixer", mixer);
  return block;
}

}  // namespace decoder_lm_test

TEST_CASE("two windows with a carried memory are one long window, and no gradient enters the memory",
          "[decoder_lm]") {
  const auto plain = remembering(false, 8), carrying = remembering(true, 8);
  CHECK(plain->carries() == Carry::nothing);
  CHECK(carrying->carries() == Carry::everything);
  const at::Tensor tokens = ids(3, 16), targets = ids(3, 16).flip(1);
  const at::Tensor whole = plain->forward(tokens);
  SequenceState state;
  const at::Tensor first = testing::fed(*carrying, tokens.narrow(1, 0, 8), state);
  SequenceState copy = state, marked = state;
  const at::Tensor second = testing::fed(*carrying, tokens.narrow(1, 8, 8), state);
  CHECK(at::allclose(at::cat({first, second}, 1), whole, 1e-12, 1e-12));
  CHECK_FALSE(at::allclose(plain->forward(tokens.narrow(1, 8, 8)), second, 1e-3, 1e-3));
  CHECK(at::equal(testing::fed(*carrying, tokens.narrow(1, 8, 8), copy), second));
  CHECK_THROWS_WITH(carrying->forward(ids(2, 8), {.state = &marked}),
                    "decoder_lm: ids: expected [3, *], got [2, 8]");
  // Only the memory knows of token 49.
  SequenceState other;
  testing::fed(*carrying, at::full({3, 8}, 49, at::kLong), other);
  carrying->zero_grad();
  Net::mean_cross_entropy(testing::fed(*carrying, at::zeros({3, 8}, at::kLong), other), targets.narrow(1, 8, 8))
      .backward();
  const at::Tensor gradient = carrying->named_parameters()["embedding.weight"].grad();
  CHECK(gradient[49].abs().max().item<double>() == 0);
  CHECK(gradient[0].abs().max().item<double>() > 0);
}

TEST_CASE("dropout falls on a mixer's output with a memory as without", "[decoder_lm]") {
  const auto plain = remembering(false, 8, 0.5), carrying = remembering(true, 8, 0.5);
  const at::Tensor tokens = ids(2, 8);
  for (const auto& net : {plain, carrying}) net->train();
  SequenceState state;
  CHECK(at::allclose(testing::fed(*carrying, tokens, state), plain->forward(tokens), 1e-12, 1e-12));
}

TEST_CASE("windows with a carried state compute their blocks again from where each began", "[decoder_lm]") {
  std::vector<at::Tensor> gradients;
  for (const bool recompute : {false, true}) {
    const auto net = remembering(true, 8, 0.5);
    net->train();
    net->set_recompute(recompute);
    SequenceState state;
    for (const int64_t window : {0, 1}) {
      net->zero_grad();
      net->set_generator(plain_generator(4));
      state.detach();
      net->loss(ids(2, 16).narrow(1, 8 * window, 8), ids(2, 8).flip(1), {.state = &state}).backward();
    }
    gradients.push_back(net->named_parameters()["blocks.0.mixer.k.weight"].grad());
  }
  CHECK(at::equal(gradients[0], gradients[1]));
}

TEST_CASE("windows go on where mixers can and keep so much alone, and without positions", "[decoder_lm]") {
  Node xl = two_heads();
  xl.set("type", Node("transformer_xl"));
  CHECK_THROWS_WITH(decoder({{"width", Node(int64_t{16})}, {"mixer", xl}, {"carry_memory", Node(true)}}),
                    "part.carry_memory = true: must be false with positions that begin anew in every window; "
                    "set positions = none");
  CHECK_THROWS_WITH(
      decoder({{"width", Node(int64_t{16})}, {"positions", Node("none")}, {"carry_memory", Node(true)}}),
      "net.carry_memory = true: the mixer of block 0 keeps every token, and would keep the whole run; "
      "transformer_xl has a memory of fixed length");
  Node leaky = Node::map();
  leaky.set("type", Node("performer"));
  leaky.set("convention", Node("performer_pytorch"));
  CHECK_THROWS_WITH(decoder({{"width", Node(int64_t{16})},
                             {"positions", Node("none")},
                             {"blocks", Node::list({Node("retnet"), leaky_block(leaky)})},
                             {"carry_memory", Node(true)}}),
                    "net.carry_memory = true: the mixer of block 1 cannot go on from a past");
}

TEST_CASE("a sequence ends where the table of positions ends, and says so", "[decoder_lm]") {
  const auto net = decoder({{"width", Node(int64_t{16})}});
  const int64_t most = net->most_tokens();
  SequenceState state;
  testing::fed(*net, ids(1, most), state);
  CHECK_THROWS_WITH(testing::fed(*net, ids(1, 1), state),
                    "decoder_lm: length of ids = " + std::to_string(most + 1) + ": must be at most " +
                        std::to_string(most) + ", the table of learned positions");
  CHECK(decoder({{"width", Node(int64_t{16})}, {"positions", Node("none")}})->most_tokens() == Net::kEndless);
}

TEST_CASE("the mixer wavelet reads the summary of the wavelet before it, and of no other mixer", "[decoder_lm]") {
  const auto answer = [](const std::vector<const char*>& mixers, double mix) {
    std::vector<Node> blocks;
    for (const char* mixer : mixers) blocks.emplace_back(mixer);
    const auto net = decoder({{"width", Node(int64_t{16})},
                              {"layers", Node(static_cast<int64_t>(mixers.size()))},
                              {"blocks", Node::list(blocks)}});
    testing::perturb(*net, 0.1);
    const torch::NoGradGuard no_gradient;
    for (auto& item : net->named_parameters())
      if (item.key().ends_with("bypass.mix.weight")) item.value().fill_(mix);
    return net->forward(ids(1, 9));
  };
  CHECK_FALSE(at::allclose(answer({"wavelet", "wavelet"}, 0), answer({"wavelet", "wavelet"}, 0.5), 1e-3, 1e-3));
  CHECK(at::equal(answer({"wavelet", "retnet", "wavelet"}, 0), answer({"wavelet", "retnet", "wavelet"}, 0.5)));
}

TEST_CASE("a mixer whose initial weights are part of its method keeps them, others take those of the net",
          "[decoder_lm]") {
  const auto first_values = [](const char* mixer, const char* initialization) {
    const auto net = decoder(
        {{"width", Node(int64_t{8})}, {"mixer", Node(mixer)}, {"initialization", Node(initialization)}});
    std::vector<at::Tensor> values;
    for (const auto& item : net->named_parameters())
      if (item.key().starts_with("blocks.0.mixer.")) values.push_back(item.value().detach().flatten());
    return at::cat(values);
  };
  CHECK(first_values("wavelet", "gpt2").equal(first_values("wavelet", "parts")));
  CHECK(first_values("wavelet", "normal").equal(first_values("wavelet", "parts")));
  CHECK_FALSE(first_values("softmax_attention", "gpt2").equal(first_values("softmax_attention", "parts")));
}
