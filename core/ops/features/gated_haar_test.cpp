#include "core/ops/features/gated_haar.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace gated_haar_test {
using namespace subband;

static at::Tensor haar_drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(11, name));
}

struct HaarCase {
  int64_t batch, length, channels, levels;
  bool per_token;
};
static const HaarCase kHaarCases[] = {{1, 1, 1, 0, true},   {2, 7, 5, 2, true},   {3, 37, 19, 3, false},
                                      {2, 67, 33, 2, true}, {1, 5, 16, 4, false}, {1, 300, 64, 4, true}};

static std::vector<at::Tensor> haar_inputs(const HaarCase& c) {
  return {haar_drawn({c.batch, c.length, c.channels}, "x"),
          haar_drawn({c.batch, c.per_token ? c.length : 1, c.levels + 1}, "gains")};
}

static testing::PathOp haar_op(const HaarPlan& plan) {
  return [plan](const std::vector<at::Tensor>& in, std::string_view path) {
    return gated_haar(in[0], in[1], plan, path);
  };
}

TEST_CASE("what the block Haar transform takes apart it puts together, at any length", "[gated_haar]") {
  for (const int64_t length : {1, 2, 3, 5, 2000, 2048}) {
    for (const int64_t levels : {0, 1, 4}) {
      const at::Tensor x = haar_drawn({2, length, 6}, "x");
      const auto bands = gated_haar_paths::analysed(x, levels);
      REQUIRE(bands.size() == static_cast<size_t>(levels) + 1);
      CHECK(at::allclose(gated_haar_paths::synthesised(bands, length), x, 0, 1e-13));
      double energy = 0;
      for (const at::Tensor& band : bands) energy += band.square().sum().item<double>();
      CHECK(energy == Approx(x.square().sum().item<double>()).epsilon(1e-12));
    }
  }
}

TEST_CASE("causal Haar bands are means of the last 2^l inputs, and what the next mean leaves", "[gated_haar]") {
  const HaarCase c{1, 13, 1, 3, true};
  const auto in = haar_inputs(c);
  const at::Tensor y = gated_haar(in[0], in[1], {.is_causal = true, .f = BandActivation::gelu}, "reference");
  const auto mean = [&](int64_t t, int64_t level) {
    double sum = 0;
    for (int64_t j = 0; j < (1 << level) && j <= t; ++j) {
      const double x = in[0][0][t - j][0].item<double>();
      sum += x * 0.5 * (1 + std::erf(x / std::sqrt(2.0)));
    }
    return sum / (1 << level);
  };
  for (int64_t t = 0; t < c.length; ++t) {
    double wanted = in[1][0][t][c.levels].item<double>() * mean(t, c.levels);
    for (int64_t l = 0; l < c.levels; ++l) wanted += in[1][0][t][l].item<double>() * (mean(t, l) - mean(t, l + 1));
    CHECK(y[0][t][0].item<double>() == Approx(wanted).margin(1e-12));
  }
}

TEST_CASE("the loops of gated Haar bands equal the reference, forward and backward", "[gated_haar]") {
  for (const HaarCase& c : kHaarCases)
    for (const bool is_causal : {true, false})
      for (const BandActivation f : {BandActivation::none, BandActivation::gelu}) {
        CAPTURE(c.length, c.channels, c.levels, is_causal, static_cast<int>(f));
        // By blocks the reference multiplies gains with zeros that fill up the last block.
        testing::check_fast_path(haar_op({is_causal, f}), haar_inputs(c), {1});
      }
  for (const HaarCase& c : {HaarCase{2, 0, 5, 2, false}, {0, 4, 5, 2, true}})
    for (const bool is_causal : {true, false})
      if (c.length > 0 || is_causal) testing::check_no_rows(haar_op({is_causal, BandActivation::gelu}), haar_inputs(c));
}

TEST_CASE("where a thread's stretch of a sequence of Haar bands begins changes no bit", "[gated_haar]") {
  namespace paths = gated_haar_paths;
  const int64_t L = 80, C = 19, levels = 3, S = levels + 1;
  const at::Tensor x = haar_drawn({L, C}, "x").to(at::kFloat), gains = haar_drawn({L, S}, "gains").to(at::kFloat),
                   g = haar_drawn({L, C}, "g").to(at::kFloat);
  const paths::Sequence in{x.const_data_ptr<float>(), gains.const_data_ptr<float>()};
  for (const bool is_causal : {true, false}) {
    const auto run = is_causal ? paths::causal : paths::block;
    const auto back = is_causal ? paths::causal_backward : paths::block_backward;
    std::vector<at::Tensor> found;
    for (const auto& bounds : {std::vector<int64_t>{0, L}, {0, 8, 16, 40, 72, L}}) {
      const at::Tensor y = at::empty({L, C}), of_x = at::empty({L, C}), of_gains = at::zeros({L, S});
      for (size_t i = 0; i + 1 < bounds.size(); ++i) {
        const paths::Extent e{L, C, levels, true, BandActivation::gelu, bounds[i], bounds[i + 1]};
        std::vector<float> work(static_cast<size_t>(paths::scratch(e, is_causal)), std::nanf(""));
        run(e, in, y.mutable_data_ptr<float>(), work.data());
        back(e, in, g.const_data_ptr<float>(), {of_x.mutable_data_ptr<float>(), of_gains.mutable_data_ptr<float>()},
             work.data());
      }
      found.insert(found.end(), {y, of_x, of_gains});
    }
    for (size_t i = 0; i < 3; ++i) CHECK(found[i].equal(found[i + 3]));
  }
}

TEST_CASE("gradients of gated Haar bands can be differentiated again", "[gated_haar]") {
  for (const bool is_causal : {true, false})
    testing::check_second_derivatives(haar_op({is_causal, BandActivation::gelu}), haar_inputs({2, 9, 3, 2, true}));
}

TEST_CASE("gated Haar bands refuse gains that do not fit", "[gated_haar]") {
  const at::Tensor x = at::zeros({2, 5, 3});
  CHECK_THROWS_WITH(gated_haar(x, at::zeros({2, 4, 3}), {}), "gated_haar: gains: expected [2, 5, *], got [2, 4, 3]");
  CHECK_THROWS_WITH(gated_haar(x, at::zeros({2, 1, 0}), {}), "gated_haar: gains: expected 1 to 17 bands, got 0");
  CHECK_THROWS_WITH(gated_haar(x.to(at::kDouble), at::zeros({2, 1, 3}), {}, "loops"),
                    "gated_haar: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32)");
}

}  // namespace gated_haar_test
