#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/net.h"
#include "models/testing/parts.h"

namespace classifier_test {
using namespace subband;
using config::Node;
using Fields = std::initializer_list<std::pair<const char*, Node>>;

constexpr int64_t kLength = 24, kClasses = 5;

static NetContext context(Initializer* first, int64_t vocabulary = 256, int64_t channels = 0) {
  return {.vocabulary = vocabulary,
          .length = kLength,
          .initializer = first,
          .classes = kClasses,
          .channels = channels,
          .may_look_ahead = true};
}

static std::shared_ptr<Net> net_of(Fields fields, int64_t vocabulary = 256, int64_t channels = 0) {
  Initializer first(plain_generator(1));
  auto net = testing::make_part<Net>("classifier", context(&first, vocabulary, channels), fields);
  net->eval();
  return net;
}

static at::Tensor ids(int64_t batch, int64_t length, int64_t below = 256) {
  return at::empty({batch, length}, at::kLong).random_(0, below, stream(1, "ids"));
}

static int64_t parameters(const Net& net) {
  int64_t count = 0;
  for (const at::Tensor& each : net.parameters()) count += each.numel();
  return count;
}

// The first `real` inputs of each row are real.
static at::Tensor keep(const std::vector<int64_t>& real, int64_t length) {
  at::Tensor mask = at::zeros({std::ssize(real), length}, at::kBool);
  for (int64_t row = 0; row < std::ssize(real); ++row) mask[row].narrow(0, 0, real[size_t(row)]).fill_(true);
  return mask;
}

TEST_CASE("the classifier has the parameters of its formula", "[classifier]") {
  const int64_t D = 16, V = 40, layers = 3, P = 4, E = 8;
  const int64_t attention = 4 * (D * D + D), mlp = 8 * D * D + 5 * D, norms = 4 * D;
  const int64_t body = layers * (attention + mlp + norms) + 2 * D, head = D * kClasses + kClasses;
  CHECK(parameters(*net_of({{"width", Node(D)}, {"layers", Node(layers)}}, V)) ==
        V * D + kLength * D + body + head);
  CHECK(parameters(*net_of({{"width", Node(D)}, {"layers", Node(layers)}, {"pooling", Node("cls")}}, V)) ==
        V * D + (kLength + 1) * D + D + body + head);
  CHECK(parameters(*net_of({{"width", Node(D)},
                            {"layers", Node(layers)},
                            {"input", Node("bytes")},
                            {"patch", Node(P)},
                            {"id_width", Node(E)},
                            {"positions", Node("none")}})) == 256 * E + P * E * D + D + body + head);
  CHECK(parameters(*net_of({{"width", Node(D)},
                            {"layers", Node(layers)},
                            {"input", Node("patches")},
                            {"patch", Node(P)},
                            {"positions", Node("sinusoidal")}},
                           0, 2)) == P * 2 * D + D + body + head);
}

TEST_CASE("the classifier counts the operations of its blocks over patches, its input and its head",
          "[classifier]") {
  const double D = 16, P = 4, T = 6, layers = 3;
  const auto net = net_of({{"width", Node(int64_t{16})},
                           {"layers", Node(int64_t{3})},
                           {"input", Node("patches")},
                           {"patch", Node(int64_t{4})}},
                          0, 1);
  Initializer first(plain_generator(1));
  const auto mixer =
      testing::make_part<Mixer>("softmax_attention", {.width = 16, .causal = false, .initializer = &first});
  CHECK(net->flops(kLength) ==
        layers * (mixer->flops(6) + 2 * T * 8 * D * D) + 2 * T * P * D + 2 * D * kClasses);
}

TEST_CASE("padding is neutral: a padded sequence gets the answer it gets alone", "[classifier]") {
  for (const char* pooling : {"mean", "cls"}) {
    for (const char* input : {"tokens", "bytes", "patches"}) {
      INFO(pooling << ", " << input);
      const bool is_numbers = std::string(input) == "patches";
      const int64_t patch = std::string(input) == "tokens" ? 1 : 4;
      const auto net = net_of({{"pooling", Node(pooling)},
                               {"input", Node(input)},
                               {"patch", Node(patch)},
                               {"width", Node(int64_t{16})}},
                              is_numbers ? 0 : 256, is_numbers ? 1 : 0);
      const at::Tensor x = is_numbers ? testing::random({3, 19, 1}) : ids(3, 19);
      const std::vector<int64_t> real = {7, 19, 1};
      const at::Tensor together = net->forward(x, {.keep_BL = keep(real, 19)});
      for (int64_t row = 0; row < 3; ++row) {
        const at::Tensor alone =
            net->forward(x.narrow(0, row, 1).narrow(1, 0, real[size_t(row)]));
        CHECK(testing::relative_rms(together[row], alone[0]) < 1e-5);
      }
      const at::Tensor without = net->forward(x);
      CHECK(testing::relative_rms(together[0], without[0]) > 1e-3);  // the mask does count
    }
  }
}

TEST_CASE("mean pooling is the mean over real positions, and the head is linear in it", "[classifier]") {
  // Parts that add nothing leave embedding → norm → mean → head, which scalar loops can follow.
  const int64_t D = 8, K = kClasses, L = 6;
  auto net = net_of({{"width", Node(D)}, {"layers", Node(int64_t{1})}, {"positions", Node("none")}});
  const torch::NoGradGuard no_gradients;
  auto weights = net->named_parameters();
  for (auto& item : weights) {
    const bool ends_a_part = item.key().starts_with("blocks.0.mixer.out") ||
                             item.key().starts_with("blocks.0.channel_mixers.mlp.net.2");
    if (ends_a_part) item.value().zero_();
  }
  const at::Tensor x = ids(1, L);
  const at::Tensor logits = net->forward(x, {.keep_BL = keep({4}, L)});
  const at::Tensor table = weights["embedding.weight"].to(at::kDouble),
                   W = weights["head.weight"].to(at::kDouble), b = weights["head.bias"].to(at::kDouble);
  for (int64_t k = 0; k < K; ++k) {
    double answer = b[k].item<double>();
    for (int64_t t = 0; t < 4; ++t) {
      const at::Tensor row = table[x[0][t].item<int64_t>()];
      double mean = 0, square = 0;
      for (int64_t d = 0; d < D; ++d) mean += row[d].item<double>() / double(D);
      for (int64_t d = 0; d < D; ++d) square += std::pow(row[d].item<double>() - mean, 2) / double(D);
      for (int64_t d = 0; d < D; ++d)
        answer += W[k][d].item<double>() * (row[d].item<double>() - mean) / std::sqrt(square + 1e-5) / 4;
    }
    CHECK(logits[0][k].item<double>() == Approx(answer).margin(1e-5));
  }
}

TEST_CASE("without positions the order of the input does not count, with them it does", "[classifier]") {
  const at::Tensor x = ids(2, 12), turned = x.flip(1);
  const auto plain = net_of({{"positions", Node("none")}});
  CHECK(testing::relative_rms(plain->forward(turned), plain->forward(x)) <
        1e-5);
  for (const char* positions : {"learned", "sinusoidal"}) {
    const auto net = net_of({{"positions", Node(positions)}});
    CHECK(testing::relative_rms(net->forward(turned), net->forward(x)) > 1e-4);
  }
}

TEST_CASE("sinusoidal positions are the waves of their formula", "[classifier]") {
  const auto net = net_of({{"positions", Node("sinusoidal")},
                           {"width", Node(int64_t{6})},
                           {"mixer", [] {
                              Node mixer = Node::map();
                              mixer.set("type", Node("softmax_attention"));
                              mixer.set("heads", Node(int64_t{1}));
                              return mixer;
                            }()}});
  const at::Tensor waves = net->named_buffers()["waves"];
  for (const int64_t p : {0, 1, 17}) {
    for (int64_t i = 0; i < 3; ++i) {
      const double angle = double(p) / std::pow(10000.0, 2.0 * double(i) / 6);
      CHECK(waves[p][2 * i].item<double>() == Approx(std::sin(angle)).margin(1e-6));
      CHECK(waves[p][2 * i + 1].item<double>() == Approx(std::cos(angle)).margin(1e-6));
    }
  }
}

TEST_CASE("answers at every position look both ways, or only back where causal", "[classifier]") {
  Initializer first(plain_generator(1));
  NetContext frame = context(&first, 30);
  frame.classes = 0;
  for (const bool causal : {false, true}) {
    const auto net =
        testing::make_part<Net>("classifier", frame, {{"pooling", Node("none")}, {"causal", Node(causal)}});
    net->eval();
    const at::Tensor x = ids(1, 9, 30);
    at::Tensor edited = x.clone();
    edited[0][5] = (x[0][5] + 1) % 30;
    const at::Tensor before = net->forward(x), after = net->forward(edited);
    CHECK(before.sizes() == at::IntArrayRef({1, 9, 30}));
    CHECK(before.narrow(1, 0, 5).equal(after.narrow(1, 0, 5)) == causal);
    CHECK_FALSE(before.narrow(1, 5, 4).equal(after.narrow(1, 5, 4)));
  }
}

TEST_CASE("the classifier refuses what does not fit its task", "[classifier]") {
  Initializer first(plain_generator(1));
  const auto refusal = [&](NetContext frame, Fields fields) -> std::string {
    try {
      testing::make_part<Net>("classifier", frame, fields);
    } catch (const ConfigError& wrong) {
      return wrong.what();
    }
    return "nothing";
  };
  CHECK(refusal(context(&first, 0, 1), {}) == "part.input = tokens: the data are numbers: must be patches");
  CHECK(refusal(context(&first), {{"input", Node("patches")}}) ==
        "part.input = patches: the data are ids: must be tokens or bytes");
  CHECK(refusal(context(&first, 17), {{"input", Node("bytes")}}) ==
        "part.input = bytes: needs ids of bytes, the vocabulary has 17");
  CHECK(refusal(context(&first), {{"pooling", Node("none")}}) ==
        "part.pooling = none: must be mean or cls: the task asks for one class a sequence");
  NetContext text = context(&first);
  text.classes = 0, text.may_look_ahead = false;
  CHECK(refusal(text, {{"pooling", Node("none")}}) ==
        "part.causal = false: must be true: the task's targets stand in the input to the right");
  const auto net = net_of({});
  CHECK_THROWS_WITH(net->forward(ids(1, 25)),
                    "classifier: length of inputs = 25: must be 1 to 24, the longest that has a position");
  CHECK_THROWS_WITH(net->forward(ids(2, 5), {.keep_BL = keep({1, 2}, 4)}),
                    "classifier: keep: expected [2, 5], got [2, 4]");
}

}  // namespace classifier_test
