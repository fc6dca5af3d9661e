#include <cmath>

#include "core/testing/catch.h"
#include "models/scale_mixer.h"
#include "models/testing/build.h"

using namespace subband;

namespace gated_test {

double gate(const std::string& name, double x) {
  if (name == "sigmoid") return 1 / (1 + std::exp(-x));
  if (name == "silu") return x / (1 + std::exp(-x));
  if (name == "gelu") return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  if (name == "relu") return x > 0 ? x : 0;
  return 1;
}

/// One position of one scale, by the formula.
at::Tensor mixed(const torch::OrderedDict<std::string, at::Tensor>& values, const std::string& scale,
                 const at::Tensor& z, const at::Tensor& gate_input, const std::string& gate_name) {
  const at::Tensor* in = values.find(scale + ".proj_in.weight");
  const at::Tensor x = in ? in->mv(z) : z, g = in ? in->mv(gate_input) : gate_input;
  const std::string inner = values.contains(scale + ".mixer.mixer.weight") ? scale + ".mixer" : scale;
  at::Tensor y = values[inner + ".mixer.weight"].mv(x);
  if (gate_name != "none") {
    const at::Tensor k = values[inner + ".gate.weight"].mv(g);
    for (int64_t i = 0; i < y.size(0); ++i) y[i] *= gate(gate_name, k[i].item<double>());
  }
  if (values.contains(inner + ".U")) y = y + values[inner + ".U"].mv(values[inner + ".V"].t().mv(x));
  const at::Tensor* out = values.find(scale + ".proj_out.weight");
  return out ? out->mv(y) : y;
}

void check(const testing::Settings& settings, const std::string& gate_name, bool routing) {
  INFO(gate_name);
  const BlockContext context{.width = 4, .padded_width = 4, .levels = 3};
  testing::Settings all = settings;
  all.emplace_back("gate", config::Node(gate_name));
  all.emplace_back("routing", config::Node(routing));
  const auto mixer = testing::Workshop().make<ScaleMixer>("gated", all, context);
  testing::perturb(*mixer, 0.4);
  const at::NoGradGuard no_gradient;
  const auto values = mixer->named_parameters();
  const at::Tensor z = testing::random_double({4, 2, 3, 4}), y = mixer->forward(z);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < 3; ++t)
      for (int64_t s = 0; s < 4; ++s) {
        at::Tensor gate_input = z[s][b][t];
        if (routing) {
          gate_input = at::zeros({4}, at::kDouble);
          for (int64_t from = 0; from < 4; ++from) gate_input += values["routing"][s][from] * z[from][b][t];
        }
        const at::Tensor expected =
            mixed(values, "scales." + std::to_string(s), z[s][b][t], gate_input, gate_name);
        CHECK(y[s][b][t].allclose(expected, 1e-12, 1e-12));
      }
}

}  // namespace gated_test

TEST_CASE("the gated scale mixer follows its definition with every gate, rank, width and routing",
          "[gated]") {
  for (const char* gate : {"none", "sigmoid", "silu", "gelu", "relu"}) {
    gated_test::check({}, gate, false);
    gated_test::check({{"low_rank", testing::integer(2)}}, gate, true);
    gated_test::check({{"widths", testing::numbers({1, 0.5, 0.5, 2})}, {"low_rank", testing::integer(3)}},
                      gate, true);
    gated_test::check({{"widths", testing::numbers({0.5, 1, 0.01, 0.5})}}, gate, false);
  }
}

TEST_CASE("a list of ones computes what no list computes, under other names", "[gated]") {
  const BlockContext context{.width = 4, .padded_width = 4, .levels = 1};
  const testing::Workshop workshop;
  const auto plain = workshop.make<ScaleMixer>("gated", {}, context);
  const auto ones = workshop.make<ScaleMixer>("gated", {{"widths", testing::numbers({1, 1})}}, context);
  const at::Tensor z = testing::random_double({2, 1, 3, 4});
  CHECK(plain->forward(z).equal(ones->forward(z)));
  CHECK(plain->named_parameters().contains("scales.1.gate.weight"));
  CHECK(ones->named_parameters().contains("scales.1.mixer.gate.weight"));
}

TEST_CASE("a scale's width is its share of the coefficients', rounded down but at least one", "[gated]") {
  const BlockContext context{.width = 4, .padded_width = 4, .levels = 3};
  const auto mixer = testing::Workshop().make<ScaleMixer>(
      "gated", {{"widths", testing::numbers({0.7, 0.99, 0.01, 1.45})}}, context);
  const auto values = mixer->named_parameters();
  for (const auto& [scale, width] : {std::pair<int64_t, int64_t>{0, 2}, {1, 3}, {2, 1}, {3, 5}})
    CHECK(values["scales." + std::to_string(scale) + ".proj_in.weight"].size(0) == width);
}

TEST_CASE("the mixer starts near the identity, nearer with the epsilon stabiliser", "[gated]") {
  BlockContext context{.width = 64, .padded_width = 64, .levels = 1};
  const auto deviation = [&] {
    const auto mixer = testing::Workshop().make<ScaleMixer>("gated", {}, context);
    return (mixer->named_parameters()["scales.0.mixer.weight"].detach() - at::eye(64, at::kDouble)).std();
  };
  CHECK(deviation().item<double>() == Approx(1e-3).epsilon(0.05));
  context.stabilizers.mixer_epsilon = true;
  CHECK(deviation().item<double>() == Approx(1e-3 / 8).epsilon(0.05));
}

namespace gated_test {

/// All scales of one position through several maps, by the formula.
std::vector<at::Tensor> deep(const torch::OrderedDict<std::string, at::Tensor>& values,
                             std::vector<at::Tensor> x, int64_t depth, bool stabilizers, bool residuals) {
  for (int64_t d = 0; d < depth; ++d)
    for (size_t s = 0; s < x.size(); ++s) {
      const std::string at_depth = std::to_string(d);
      const std::string norm = "stages." + at_depth + ".norms." + std::to_string(s);
      const std::string mixer = "stages." + at_depth + ".scales." + std::to_string(s);
      at::Tensor in = x[s];
      const bool last = d == depth - 1;
      if (!last) {
        in = (in - in.mean()) / (in.var(false) + 1e-5).sqrt() * values[norm + ".weight"] +
             values[norm + ".bias"];
        if (stabilizers) in = in * values["stages." + at_depth + ".beta"];
      }
      at::Tensor y = mixed(values, mixer, in, in, "silu");
      if (!last) y = y + values[mixer + ".bias"];
      if (!last && stabilizers) y = y * values["stages." + at_depth + ".alpha"];
      x[s] = residuals ? x[s] + y : y;
    }
  return x;
}

}  // namespace gated_test

TEST_CASE("several maps in a row follow their definition with and without stabilisers and residuals",
          "[gated]") {
  const BlockContext context{.width = 4, .padded_width = 4, .levels = 1};
  for (const bool stabilizers : {false, true})
    for (const bool residuals : {false, true}) {
      const auto mixer =
          testing::Workshop().make<ScaleMixer>("gated",
                                               {{"depth", testing::integer(3)},
                                                {"depth_stabilizers", config::Node(stabilizers)},
                                                {"depth_residuals", config::Node(residuals)},
                                                {"routing", config::Node(true)},
                                                {"widths", testing::numbers({1, 0.5})},
                                                {"low_rank", testing::integer(2)}},
                                               context);
      testing::perturb(*mixer, 0.4);
      const at::NoGradGuard no_gradient;
      const auto values = mixer->named_parameters();
      CHECK(values["routing"].sizes() == at::IntArrayRef({2, 2}));
      CHECK_FALSE(values.contains("stages.2.scales.0.bias"));
      const at::Tensor z = testing::random_double({2, 1, 3, 4}), y = mixer->forward(z);
      for (int64_t t = 0; t < 3; ++t) {
        const auto expected = gated_test::deep(values, {z[0][0][t], z[1][0][t]}, 3, stabilizers, residuals);
        for (int64_t s = 0; s < 2; ++s)
          CHECK(y[s][0][t].allclose(expected[static_cast<size_t>(s)], 1e-11, 1e-12));
      }
    }
}

TEST_CASE("later maps start nearer to the identity with depth stabilisers, and their factors at one over D",
          "[gated]") {
  const BlockContext context{.width = 64, .padded_width = 64, .levels = 1};
  const auto mixer = testing::Workshop().make<ScaleMixer>(
      "gated", {{"depth", testing::integer(4)}, {"depth_stabilizers", config::Node(true)}}, context);
  const auto values = mixer->named_parameters();
  for (int64_t d = 0; d < 4; ++d) {
    const at::Tensor m = values["stages." + std::to_string(d) + ".scales.0.mixer.weight"];
    CHECK((m.detach() - at::eye(64, at::kDouble)).std().item<double>() ==
          Approx(1e-3 / static_cast<double>(d + 1)).epsilon(0.05));
  }
  CHECK(values["stages.2.alpha"].item<double>() == Approx(0.25));
  CHECK_FALSE(values.contains("stages.3.beta"));
}

TEST_CASE("a bias stands beside the gate, and the exponential form starts where the plain one does",
          "[gated]") {
  const BlockContext context{.width = 4, .padded_width = 4, .levels = 1};
  const testing::Workshop workshop;
  const auto plain = workshop.make<ScaleMixer>("gated", {}, context);
  const auto biased = workshop.make<ScaleMixer>("gated", {{"bias", config::Node(true)}}, context);
  const auto exponential = workshop.make<ScaleMixer>("gated", {{"exponential", config::Node(true)}}, context);
  const at::NoGradGuard no_gradient;
  const at::Tensor z = testing::random_double({2, 1, 3, 4}), y = plain->forward(z);
  biased->named_parameters()["scales.1.bias"].fill_(0.25);
  CHECK(biased->forward(z)[0].equal(y[0]));
  CHECK(biased->forward(z)[1].allclose(y[1] + 0.25, 1e-12, 1e-12));
  CHECK(exponential->forward(z).allclose(y, 1e-6, 1e-6));
  at::Tensor theta = exponential->named_parameters()["scales.0.log_scale"];
  const at::Tensor n = exponential->named_parameters()["scales.0.mixer.weight"];
  theta.copy_(at::tensor({-1., 0., 0.5, 1.}, at::kDouble));
  at::Tensor m = at::eye(4, at::kDouble);
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 4; ++j) m[i][j] += std::exp(theta[i].item<double>()) * n[i][j];
  const at::Tensor k = exponential->named_parameters()["scales.0.gate.weight"];
  const at::Tensor x = z[0][0][1];
  CHECK(exponential->forward(z)[0][0][1].allclose(m.mv(x) * at::silu(k.mv(x)), 1e-12, 1e-12));
}

TEST_CASE("phase gating turns up what agrees with the next coarser scale, pair by pair", "[gated]") {
  const BlockContext context{.width = 5, .padded_width = 5, .levels = 2};
  const testing::Workshop workshop;
  const auto plain = workshop.make<ScaleMixer>("gated", {}, context);
  const auto phased = workshop.make<ScaleMixer>("gated", {{"phase", config::Node(true)}}, context);
  const at::NoGradGuard no_gradient;
  const at::Tensor z = testing::random_double({3, 1, 2, 5}), y = plain->forward(z);
  CHECK(phased->forward(z).equal(y));
  at::Tensor gains = phased->named_parameters()["phase_gains"];
  REQUIRE(gains.sizes() == at::IntArrayRef({2, 2}));
  gains.copy_(testing::random_double({2, 2}, 8));
  const at::Tensor moved = phased->forward(z);
  CHECK(moved[0].equal(y[0]));
  for (int64_t s = 1; s < 3; ++s)
    for (int64_t t = 0; t < 2; ++t)
      for (int64_t c = 0; c < 5; ++c) {
        double factor = 1;
        if (c < 4) {
          const auto angle = [&](int64_t scale) {
            const at::Tensor at_t = z[scale][0][t];
            return std::atan2(at_t[c / 2 * 2 + 1].item<double>(), at_t[c / 2 * 2].item<double>());
          };
          factor += std::tanh(gains[s - 1][c / 2].item<double>()) * std::cos(angle(s) - angle(s - 1));
        }
        CHECK(moved[s][0][t][c].item<double>() ==
              Approx(y[s][0][t][c].item<double>() * factor).epsilon(1e-9));
      }
}

TEST_CASE("the spectral norm stabiliser divides the mixer, not the gate, and draws its vectors last",
          "[gated]") {
  BlockContext context{.width = 8, .padded_width = 8, .levels = 1};
  const testing::Workshop workshop;
  const auto plain = workshop.make<ScaleMixer>("gated", {{"low_rank", testing::integer(2)}}, context);
  context.stabilizers.spectral_norm = true;
  const auto normed = workshop.make<ScaleMixer>("gated", {{"low_rank", testing::integer(2)}}, context);
  const auto values = normed->named_parameters(), others = plain->named_parameters();
  for (const char* name : {"gate.weight", "U", "V"})
    CHECK(values[std::string("scales.0.") + name].equal(others[std::string("scales.0.") + name]));
  CHECK(values["scales.0.mixer.weight_orig"].equal(others["scales.0.mixer.weight"]));
  CHECK_FALSE(values["scales.1.mixer.weight_orig"].equal(others["scales.1.mixer.weight"]));
  normed->eval();
  const at::NoGradGuard no_gradient;
  const at::Tensor u = normed->named_buffers()["scales.0.mixer.weight_u"];
  const at::Tensor v = normed->named_buffers()["scales.0.mixer.weight_v"];
  CHECK(u.norm().item<double>() == Approx(1).epsilon(1e-6));
  CHECK(v.norm().item<double>() == Approx(1).epsilon(1e-6));
  const at::Tensor m = values["scales.0.mixer.weight_orig"];
  const double sigma = u.dot(m.mv(v)).item<double>();
  const at::Tensor z = testing::random_double({2, 1, 1, 8}), x = z[0][0][0];
  const at::Tensor expected = m.mv(x) / sigma * at::silu(values["scales.0.gate.weight"].mv(x)) +
                              values["scales.0.U"].mv(values["scales.0.V"].t().mv(x));
  CHECK(normed->forward(z)[0][0][0].allclose(expected, 1e-12, 1e-12));
  CHECK_THROWS_WITH(
      workshop.make<ScaleMixer>("gated", {{"exponential", config::Node(true)}}, context),
      "part.exponential = true: cannot stand with the stabilizer spectral_norm: both would scale M");
}

TEST_CASE("the routing matrix idles with depth, and costs nothing there", "[gated]") {
  const BlockContext context{.width = 4, .padded_width = 4, .levels = 2};
  const testing::Workshop workshop;
  const auto flops = [&](int64_t depth, bool routing) {
    return workshop
        .make<ScaleMixer>("gated", {{"depth", testing::integer(depth)}, {"routing", config::Node(routing)}},
                          context)
        ->flops(5);
  };
  CHECK(flops(1, true) - flops(1, false) == 2 * 3 * 3 * 4 * 5);
  CHECK(flops(2, true) == flops(2, false));
}
