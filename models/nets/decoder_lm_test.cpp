#include <torch/torch.h>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/net.h"
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
