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
          for (int64_t from = 0; from < 4; ++from)
            gate_input += values["scale_routing"][s][from] * z[from][b][t];
        }
        const at::Tensor expected =
            mixed(values, "scale_mixers." + std::to_string(s), z[s][b][t], gate_input, gate_name);
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
  CHECK(plain->named_parameters().contains("scale_mixers.1.gate.weight"));
  CHECK(ones->named_parameters().contains("scale_mixers.1.mixer.gate.weight"));
}

TEST_CASE("the mixer starts near the identity, nearer with the epsilon stabiliser", "[gated]") {
  BlockContext context{.width = 64, .padded_width = 64, .levels = 1};
  const auto deviation = [&] {
    const auto mixer = testing::Workshop().make<ScaleMixer>("gated", {}, context);
    return (mixer->named_parameters()["scale_mixers.0.mixer.weight"].detach() - at::eye(64, at::kDouble))
        .std();
  };
  CHECK(deviation().item<double>() == Approx(1e-3).epsilon(0.05));
  context.stabilizers.mixer_epsilon = true;
  CHECK(deviation().item<double>() == Approx(1e-3 / 8).epsilon(0.05));
}
