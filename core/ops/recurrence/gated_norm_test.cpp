#include "core/ops/recurrence/gated_norm.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace gated_norm_test {
using namespace subband;

static std::vector<at::Tensor> inputs(int64_t batch, int64_t length, int64_t heads, int64_t width, bool gain) {
  const auto drawn = [](at::IntArrayRef shape, const char* name) {
    return at::empty(shape, at::kDouble).normal_(0, 1, stream(12, name));
  };
  std::vector<at::Tensor> all = {drawn({batch, length, heads, width}, "x"), drawn({batch, length, heads * width}, "z")};
  if (gain) all.push_back(drawn({width}, "gain"));
  return all;
}

static at::Tensor run(const std::vector<at::Tensor>& in, std::string_view path) {
  return gated_norm(in[0], in.size() > 2 ? in[2] : at::Tensor(), in[1], 0.1, path);
}

TEST_CASE("the gated norm is its definition, head by head", "[gated_norm]") {
  const auto in = inputs(1, 2, 3, 5, true);
  const at::Tensor y = run(in, "reference");
  for (int64_t t = 0; t < 2; ++t)
    for (int64_t h = 0; h < 3; ++h) {
      double squares = 0;
      for (int64_t v = 0; v < 5; ++v) squares += std::pow(in[0][0][t][h][v].item<double>(), 2);
      for (int64_t v = 0; v < 5; ++v) {
        const double z = in[1][0][t][h * 5 + v].item<double>();
        const double normed = in[0][0][t][h][v].item<double>() / std::sqrt(squares / 5 + 0.1);
        CHECK(y[0][t][h * 5 + v].item<double>() ==
              Approx(normed * in[2][v].item<double>() * z / (1 + std::exp(-z))).epsilon(1e-12));
      }
    }
}

TEST_CASE("the loops of the gated norm equal the reference, forward and backward", "[gated_norm]") {
  for (const auto& in : {inputs(1, 1, 1, 1, true), inputs(2, 33, 3, 5, true), inputs(1, 70, 2, 16, false),
                         inputs(2, 9, 2, 45, true)})
    testing::check_fast_path(run, in);
  testing::check_no_rows(run, inputs(2, 0, 3, 5, true));
}

TEST_CASE("gradients of the gated norm can be differentiated again", "[gated_norm]") {
  testing::check_second_derivatives(run, inputs(2, 3, 2, 4, true));
}

TEST_CASE("the gated norm refuses shapes that do not fit", "[gated_norm]") {
  const auto in = inputs(2, 3, 2, 4, true);
  CHECK_THROWS_WITH(gated_norm(in[0], in[2], in[1].narrow(2, 0, 7), 1e-3),
                    "gated_norm: z: expected [2, 3, 8], got [2, 3, 7]");
}

}  // namespace gated_norm_test
