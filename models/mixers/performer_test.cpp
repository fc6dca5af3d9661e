#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/layers/dropout.h"
#include "models/net.h"
#include "models/testing/going_on.h"
#include "models/testing/recorded_mixer.h"

using namespace subband;
using config::Node;

namespace performer_test {

using Fields = std::initializer_list<std::pair<const char*, Node>>;

static std::shared_ptr<Mixer> made(int64_t width, bool causal, Fields fields = {},
                                   std::shared_ptr<Noise> noise = {}, uint64_t seed = 3) {
  Initializer first(plain_generator(seed));
  const auto mixer = testing::make_part<Mixer>(
      "performer", {.width = width, .causal = causal, .initializer = &first, .noise = noise}, fields);
  mixer->to(at::kDouble);
  mixer->eval();
  return mixer;
}

static at::Tensor projection(const Mixer& mixer) { return mixer.named_buffers()["projection"]; }

// φ(x), one row, without any stabiliser.
static std::vector<double> features(const at::Tensor& row, const at::Tensor& W) {
  const at::Tensor x = row * std::pow(static_cast<double>(row.size(0)), -0.25);
  const at::Tensor f = (at::matmul(W, x) - x.square().sum() / 2).exp();
  return {f.const_data_ptr<double>(), f.const_data_ptr<double>() + f.numel()};
}

// One sequence of `real` tokens and padding, 4 heads over 2 groups.
static at::Tensor by_definition(const Mixer& mixer, const at::Tensor& x_LD, bool causal, int64_t real) {
  const at::Tensor q = testing::mapped(mixer, "q", x_LD).unflatten(-1, {4, -1}),
                   k = testing::mapped(mixer, "k", x_LD).unflatten(-1, {2, -1}),
                   v = testing::mapped(mixer, "v", x_LD).unflatten(-1, {2, -1}), W = projection(mixer);
  const at::Tensor y = testing::weighted_sums(v, 4, 0, [&](int64_t h, int64_t i, int64_t j) {
    if (j >= real || (causal && j > i)) return 0.0;
    const std::vector<double> a = features(q[i][h], W), b = features(k[j][h / 2], W);
    double sum = 0;
    for (size_t m = 0; m < a.size(); ++m) sum += a[m] * b[m];
    return sum;
  });
  return testing::mapped(mixer, "out", y.flatten(1));
}

// A performer whose q, k, v are given: x holds them side by side, and the linear maps only pick them out.
static std::shared_ptr<Mixer> picking(int64_t heads, int64_t width, bool causal, Fields fields,
                                      uint64_t seed = 3) {
  const int64_t inner = heads * width;
  const auto mixer = made(3 * inner, causal, fields, {}, seed);
  const at::Tensor one = at::eye(3 * inner, at::kDouble);
  for (int64_t i = 0; i < 3; ++i)
    testing::set_parameter(*mixer, std::string(1, "qkv"[i]) + ".weight", one.narrow(0, i * inner, inner));
  testing::set_parameter(*mixer, "out.weight", one.narrow(1, 0, inner));
  return mixer;
}

static at::Tensor side_by_side(const at::Tensor& q_BHLK, const at::Tensor& k_BHLK, const at::Tensor& v_BHLK) {
  const auto flat = [](const at::Tensor& x) { return x.transpose(1, 2).flatten(2); };
  return at::cat({flat(q_BHLK), flat(k_BHLK), flat(v_BHLK)}, -1);
}

const testing::NameTable kPerformerPytorch = {
    {"q.weight", "to_q.weight"}, {"k.weight", "to_k.weight"},
    {"v.weight", "to_v.weight"}, {"out.weight", "to_out.weight"},
    {"out.bias", "to_out.bias"}, {"projection", "fast_attention.projection_matrix"}};

TEST_CASE("performer is attention by products of its features, causal or not, padded, grouped",
          "[performer]") {
  for (const bool causal : {true, false}) {
    CAPTURE(causal);
    const auto mixer =
        made(16, causal,
             {{"kv_heads", Node(int64_t{2})}, {"features", Node(int64_t{6})}, {"chunk", Node(int64_t{3})}});
    const at::Tensor x = 2 * testing::random({2, 8, 16}, at::kDouble), keep = at::ones({2, 8}, at::kBool);
    keep[1].narrow(0, 5, 3).fill_(false);
    const at::Tensor y = mixer->forward(x, {.keep_BL = keep});
    CHECK(at::allclose(y[0], by_definition(*mixer, x[0], causal, 8), 0, 1e-11));
    CHECK(
        at::allclose(y[1].narrow(0, 0, 5), by_definition(*mixer, x[1], causal, 5).narrow(0, 0, 5), 0, 1e-11));
  }
}

TEST_CASE("a large key to come changes nothing here, and everything in the package's convention",
          "[performer]") {
  const at::Tensor x = testing::random({1, 40, 16}, at::kDouble);
  at::Tensor edited = x.clone();
  edited.select(1, 39).mul_(20);
  const auto moved = [&](const char* convention) {
    const auto mixer = made(16, true, {{"convention", Node(convention)}, {"features", Node(int64_t{16})}});
    return testing::relative_rms(mixer->forward(edited, {}).narrow(1, 0, 39),
                                 mixer->forward(x, {}).narrow(1, 0, 39));
  };
  CHECK(moved("sound") == 0);
  CHECK(moved("performer_pytorch") > 0.01);
}

TEST_CASE("the error of performer falls as one over the root of the features", "[performer]") {
  const int64_t L = 256, K = 64;
  const auto draw = [&](const char* name, double deviation) {
    return deviation * testing::random({1, 1, L, K}, at::kDouble, name);
  };
  const at::Tensor q = draw("q", 0.3), k = draw("k", 0.3), v = draw("v", 1);
  const at::Tensor exact = at::matmul(at::softmax(at::matmul(q, k.transpose(-1, -2)) / 8, -1), v)[0][0];
  const auto error = [&](int64_t features, bool orthogonal) {
    double sum = 0;
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      const auto mixer = picking(1, K, false,
                                 {{"heads", Node(int64_t{1})},
                                  {"head_width", Node(K)},
                                  {"bias", Node(false)},
                                  {"features", Node(features)},
                                  {"orthogonal", Node(orthogonal)}},
                                 seed);
      const at::Tensor y = mixer->forward(side_by_side(q, k, v), {})[0].narrow(-1, 0, K);
      sum += std::pow(testing::relative_rms(y, exact), 2);
    }
    return std::sqrt(sum / 8);
  };
  for (const bool orthogonal : {false, true}) {
    const double coarse = error(64, orthogonal), fine = error(4096, orthogonal);
    CAPTURE(orthogonal, coarse, fine);
    const double slope = std::log(fine / coarse) / std::log(64.0);
    CHECK(slope < -0.4);
    CHECK(slope > -0.6);
  }
}

TEST_CASE("features are redrawn every so many training calls, never in evaluation", "[performer]") {
  const auto noise = std::make_shared<Noise>();
  noise->generator = stream(1, "noise");
  const auto mixer = made(16, true, {{"redraw", Node(int64_t{3})}}, noise);
  const at::Tensor x = testing::random({1, 5, 16}, at::kDouble), first = projection(*mixer).clone();
  for (int call = 0; call < 5; ++call) mixer->forward(x, {});
  CHECK(at::equal(projection(*mixer), first));
  mixer->train();
  for (int call = 0; call < 2; ++call) mixer->forward(x, {});
  CHECK(at::equal(projection(*mixer), first));
  mixer->forward(x, {});
  CHECK_FALSE(at::equal(projection(*mixer), first));
  CHECK(mixer->named_buffers()["calls"].item<double>() == 0);
  CHECK_FALSE(made(16, true, {{"redraw", Node(int64_t{0})}})->named_buffers().contains("calls"));
  const auto without = made(16, true);
  without->train();
  CHECK_THROWS_WITH(
      without->forward(x, {}),
      "performer: no generator to redraw features from; call set_generator before training, or set redraw "
      "to 0");
}

TEST_CASE("a net hands performer the stream that it redraws features from", "[performer]") {
  const auto drawn = [](uint64_t seed) {
    Initializer first(plain_generator(3));
    Node mixer = Node::map();
    mixer.set("type", Node("performer"));
    mixer.set("redraw", Node(int64_t{1}));
    const auto net = testing::make_part<Net>(
        "decoder_lm", {.vocabulary = 9, .length = 8, .initializer = &first},
        {{"width", Node(int64_t{16})}, {"layers", Node(int64_t{1})}, {"mixer", mixer}});
    net->set_generator(stream(seed, "noise"));
    net->train();
    net->forward(at::zeros({1, 5}, at::kLong));
    return net->named_buffers()["blocks.0.mixer.projection"].clone();
  };
  CHECK(at::equal(drawn(1), drawn(1)));
  CHECK_FALSE(at::equal(drawn(1), drawn(2)));
}

TEST_CASE("the other kernels are their definitions and decode token by token", "[performer]") {
  const at::Tensor x = testing::random({1, 9, 8}, at::kDouble);
  const Node one(int64_t{1});
  const auto expected = [&](const Mixer& mixer, const at::Tensor& fq, const at::Tensor& fk) {
    const at::Tensor weights = at::matmul(fq, fk.t()).tril(), v = testing::mapped(mixer, "v", x[0]);
    return testing::mapped(mixer, "out", at::matmul(weights, v) / weights.sum(-1, true));
  };
  const auto steps = [&](Mixer& mixer) { return testing::by_token(mixer, x)[0]; };
  const auto relu =
      made(8, true, {{"heads", one}, {"kernel", Node("generalized")}, {"features", Node(int64_t{7})}});
  const auto mapped = [&](const char* name) {
    return at::relu(
               at::matmul(testing::mapped(*relu, name, x[0]) * std::pow(8, -0.25), projection(*relu).t())) +
           1e-3;
  };
  CHECK(at::allclose(relu->forward(x, {})[0], expected(*relu, mapped("q"), mapped("k")), 0, 1e-12));
  CHECK(at::allclose(steps(*relu), relu->forward(x, {})[0], 0, 1e-12));
  const auto bare = made(8, true, {{"heads", one}, {"kernel", Node("unprojected")}});
  const at::Tensor q = testing::mapped(*bare, "q", x[0]), k = testing::mapped(*bare, "k", x[0]);
  CHECK(at::allclose(bare->forward(x, {})[0], expected(*bare, q.softmax(-1), k.exp()), 0, 1e-12));
  CHECK(at::allclose(steps(*bare), bare->forward(x, {})[0], 0, 1e-12));
  const auto package = made(8, true, {{"convention", Node("performer_pytorch")}});
  CHECK_FALSE(package->can_continue());
}

TEST_CASE("performer gives the answers of performer-pytorch", "[performer][recorded]") {
  if (const auto recorded = testing::recorded_mixer("performer_self_L33")) {
    const auto mixer = made(32, false,
                            {{"convention", Node("performer_pytorch")},
                             {"features", Node(int64_t{20})},
                             {"bias", Node(false)},
                             {"out_bias", Node(true)}});
    testing::match_recorded(*mixer, *recorded, kPerformerPytorch);
  }
  if (const auto recorded = testing::recorded_mixer("performer_fast_softmax_causal_L37")) {
    const auto mixer = picking(2, 16, true,
                               {{"convention", Node("performer_pytorch")},
                                {"heads", Node(int64_t{2})},
                                {"head_width", Node(int64_t{16})},
                                {"features", Node(int64_t{24})},
                                {"bias", Node(false)}});
    projection(*mixer).copy_(recorded->at("w/projection_matrix"));
    const auto check = [&](at::ScalarType type, const char* wanted, double limit) {
      mixer->to(type);
      at::Tensor x =
          side_by_side(recorded->at("q"), recorded->at("k"), recorded->at("v")).to(type).requires_grad_();
      const at::Tensor y = mixer->forward(x, {}).narrow(-1, 0, 32).unflatten(-1, {2, 16}).transpose(1, 2);
      CHECK(testing::relative_rms(y, recorded->at(wanted)) < limit);
      (y * recorded->at("c")).sum().backward();
      const at::Tensor wanted_gradient =
          side_by_side(recorded->at("gx/q"), recorded->at("gx/k"), recorded->at("gx/v"));
      CHECK(testing::relative_rms(x.grad(), wanted_gradient) < 1e-4);
    };
    check(at::kFloat, "y", 1e-5);
    check(at::kDouble, "y64", 1e-6);
  }
}

TEST_CASE("performer refuses an epsilon that would leak the future", "[performer]") {
  CHECK_THROWS_WITH(
      made(8, true, {{"feature_epsilon", Node(1e-4)}}),
      "part.feature_epsilon = 0.0001: must be 0 for this kernel: it would leak the future; convention: "
      "performer_pytorch has it");
}

}  // namespace performer_test

TEST_CASE("a query that no feature answers is mixed to nothing, not to NaN", "[performer]") {
  for (const bool causal : {true, false}) {
    CAPTURE(causal);
    Initializer first(plain_generator(1));
    const auto mixer = testing::make_part<Mixer>(
        "performer", {.width = 8, .length = 16, .causal = causal, .initializer = &first},
        {{"kernel", config::Node("generalized")}, {"feature_epsilon", config::Node(0.0)}});
    mixer->eval();
    at::Tensor x = at::zeros({1, 5, 8}).requires_grad_();
    for (const char* map : {"q.bias", "k.bias"}) testing::set_parameter(*mixer, map, at::zeros({8}));
    const at::Tensor y = mixer->forward(x, {});
    CHECK(at::allclose(y, mixer->named_parameters()["out.bias"].expand_as(y)));
    y.sum().backward();
    CHECK(at::isfinite(x.grad()).all().item<bool>());
  }
}
