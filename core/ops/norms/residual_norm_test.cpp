#include "core/ops/norms/residual_norm.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/fast_path.h"

using namespace subband;

namespace residual_norm_test {

// What stands before a term: nothing, one factor, or one for each channel.
enum class Before { nothing, factor, factors };

struct Form {
  std::vector<int64_t> shape;
  std::vector<Before> gains;  // the stream's first
  NormKind kind = NormKind::layer;
  bool normed = true;
};
static const Form kForms[] = {
    {{1, 1}, {Before::nothing, Before::nothing}},
    {{2, 67, 33}, {Before::factor, Before::nothing}},
    {{2, 67, 33}, {Before::nothing, Before::factors}},
    {{131, 64}, {Before::factors, Before::factor, Before::factor}},
    {{7, 1, 19}, {Before::factor, Before::nothing, Before::factors, Before::nothing}},
    {{3, 65, 40}, {Before::nothing, Before::nothing}, NormKind::rms},
    {{5, 17}, {Before::factor, Before::factors}, NormKind::rms},
    {{2, 67, 33}, {Before::factor, Before::nothing}, NormKind::layer, false},
    {{131, 16}, {Before::nothing, Before::nothing, Before::factors}, NormKind::layer, false},
};

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(9, name));
}

static std::vector<at::Tensor> inputs_of(const Form& form) {
  std::vector<at::Tensor> all;
  for (size_t k = 0; k < form.gains.size(); ++k) {
    const std::string name = std::to_string(k);
    all.push_back(drawn(form.shape, "y" + name));
    if (form.gains[k] == Before::factor) all.push_back(drawn({}, "a" + name));
    if (form.gains[k] == Before::factors) all.push_back(drawn({form.shape.back()}, "a" + name));
  }
  if (form.normed) all.push_back(drawn({form.shape.back()}, "weight"));
  if (form.normed && form.kind == NormKind::layer) all.push_back(drawn({form.shape.back()}, "bias"));
  return all;
}

// Both results in one tensor.
static testing::PathOp op_of(const Form& form) {
  return [form](const std::vector<at::Tensor>& in, std::string_view path) {
    std::vector<ResidualTerm> terms;
    size_t next = 0;
    for (const Before before : form.gains) {
      terms.push_back({in[next++], {}});
      if (before != Before::nothing) terms.back().gain = in[next++];
    }
    const ResidualTerm stream = terms[0];
    terms.erase(terms.begin());
    if (!form.normed) return residual_sum(stream, terms, path);
    NormWeights norm{.kind = form.kind, .weight_C = in[next++]};
    if (form.kind == NormKind::layer) norm.bias_C = in[next++];
    const ResidualNorm y = residual_norm(stream, terms, norm, path);
    return at::stack({y.sum, y.normed});
  };
}

}  // namespace residual_norm_test

using namespace residual_norm_test;

TEST_CASE("a residual sum and its norm are their definition, value by value", "[residual_norm]") {
  for (const NormKind kind : {NormKind::layer, NormKind::rms}) {
    const at::Tensor x = drawn({3, 5}, "x"), y = drawn({3, 5}, "y"), u = drawn({3, 5}, "u"), b = drawn({5}, "b"),
                     weight = drawn({5}, "weight"), bias = kind == NormKind::layer ? drawn({5}, "bias") : at::Tensor();
    const ResidualNorm got = residual_norm({x, at::full({}, 0.7, at::kDouble)}, {{y, b}, {u, {}}},
                                           {.kind = kind, .weight_C = weight, .bias_C = bias, .epsilon = 1e-3});
    const auto at = [](const at::Tensor& t, int64_t row, int64_t c) { return t[row][c].item<double>(); };
    for (int64_t row = 0; row < 3; ++row) {
      std::vector<double> z;
      double mean = 0, square = 0;
      for (int64_t c = 0; c < 5; ++c)
        z.push_back(0.7 * at(x, row, c) + b[c].item<double>() * at(y, row, c) + at(u, row, c));
      for (const double each : z) mean += kind == NormKind::layer ? each / 5 : 0;
      for (const double each : z) square += (each - mean) * (each - mean) / 5;
      for (int64_t c = 0; c < 5; ++c) {
        const double own = z[static_cast<size_t>(c)], flat = (own - mean) / std::sqrt(square + 1e-3);
        CHECK(at(got.sum, row, c) == Approx(own).epsilon(1e-12));
        CHECK(at(got.normed, row, c) ==
              Approx(flat * weight[c].item<double>() + (bias.defined() ? bias[c].item<double>() : 0)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("the loops of a residual sum and its norm equal the reference, forward and backward", "[residual_norm]") {
  for (const Form& form : kForms) {
    CAPTURE(form.shape, form.gains.size(), form.normed);
    testing::check_fast_path(op_of(form), inputs_of(form));
  }
  for (Form form : {kForms[1], kForms[5], kForms[7]}) {
    form.shape = {0, 3, 17};
    testing::check_no_rows(op_of(form), inputs_of(form));
  }
}

TEST_CASE("the gradient of a residual sum alone, or of its norm alone, is the reference's", "[residual_norm]") {
  const at::Tensor x = drawn({65, 9}, "x").to(at::kFloat), y = drawn({65, 9}, "y").to(at::kFloat);
  const NormWeights norm{.weight_C = drawn({9}, "weight").to(at::kFloat), .bias_C = at::zeros({9})};
  for (const bool of_sum : {false, true}) {
    const auto gradient = [&](const char* path) {
      const at::Tensor leaf = y.clone().requires_grad_(), gain = at::full({}, 0.3f).requires_grad_();
      const ResidualNorm both = residual_norm({x, {}}, {{leaf, gain}}, norm, path);
      ((of_sum ? both.sum : both.normed) * x).sum().backward();
      return std::vector{leaf.grad(), gain.grad()};
    };
    const auto plain = gradient("reference"), fast = gradient("loops");
    CHECK(at::allclose(fast[0], plain[0], 1e-5, 1e-5));
    CHECK(at::allclose(fast[1], plain[1], 1e-4, 1e-4));
  }
}

TEST_CASE("gradients of a residual sum and its norm can be differentiated again", "[residual_norm]") {
  for (const Form& form : {Form{{3, 5}, {Before::factor, Before::factors}},
                           {{3, 5}, {Before::nothing, Before::nothing, Before::factor}, NormKind::rms},
                           {{3, 5}, {Before::factor, Before::nothing}, NormKind::layer, false}})
    testing::check_second_derivatives(op_of(form), inputs_of(form));
}

TEST_CASE("a residual sum refuses what does not fit, and names it", "[residual_norm]") {
  const at::Tensor x = at::zeros({2, 3, 4}), line = at::zeros({4});
  CHECK_THROWS_WITH(residual_sum({x, {}}, {{at::zeros({2, 4}), {}}}), "residual_sum: y: expected [2, 3, 4], got [2, 4]");
  CHECK_THROWS_WITH(residual_sum({x, at::zeros({3})}, {{x, {}}}), "residual_sum: gain: expected [4], got [3]");
  CHECK_THROWS_WITH(residual_sum({x, {}}, {}), "residual_sum: branches: expected one at least, got none");
  CHECK_THROWS_WITH(residual_norm({x, {}}, {{x, {}}}, {.weight_C = at::zeros({3})}),
                    "residual_norm: weight: expected [4], got [3]");
  CHECK_THROWS_WITH(residual_norm({x, {}}, {{x.to(at::kDouble), {}}}, {.weight_C = line}, "loops"),
                    "residual_norm: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32, fp16 or "
                    "bf16)");
}
