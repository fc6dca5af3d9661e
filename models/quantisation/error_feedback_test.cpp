#include "models/quantisation/error_feedback.h"

#include <torch/torch.h>

#include "core/testing/catch.h"
#include "models/quantisation/rounding.h"
#include "models/testing/build.h"

namespace error_feedback_test {

using namespace subband;

// H of inputs that depend on each other, as those of a net do.
static at::Tensor correlated(int64_t columns, int64_t inputs = 400) {
  const at::Tensor x = at::matmul(testing::random_double({inputs, columns / 2}, 1),
                                  testing::random_double({columns / 2, columns}, 2)) +
                       0.3 * testing::random_double({inputs, columns}, 3);
  return at::matmul(x.t(), x);
}

// The method column by column, without a factorisation: the inverse of what is left of H says who makes up for what.
static at::Tensor by_elimination(const at::Tensor& weight, const at::Tensor& hessian,
                                 const PackedForm& form) {
  at::Tensor w = weight.clone(), q = at::zeros_like(weight);
  const at::Tensor damped =
      hessian + at::eye(form.columns, at::kDouble) * (0.01 * hessian.diagonal().mean().item<double>());
  Grid grid = grid_of(w, form);
  for (int64_t i = 0; i < form.columns; ++i) {
    if (form.group > 0 && i % form.group == 0)
      grid = grid_of(w.narrow(1, i, std::min(form.group, form.columns - i)), form);
    const at::Tensor left = damped.narrow(0, i, form.columns - i).narrow(1, i, form.columns - i),
                     inverse = at::inverse(left);
    const at::Tensor column = w.narrow(1, i, 1), point = on_grid(rounded(column, grid, form.bits), grid);
    q.narrow(1, i, 1).copy_(point);
    w.narrow(1, i, form.columns - i)
        .sub_(at::matmul((column - point) / inverse[0][0], inverse.narrow(0, 0, 1)));
  }
  return q;
}

TEST_CASE("error feedback is what eliminating one column after the other gives", "[error_feedback]") {
  const at::Tensor w = testing::random_double({6, 70}, 5), h = correlated(70);
  for (const int64_t group : {PackedForm::kRow, int64_t{32}}) {
    for (const bool symmetric : {true, false}) {
      const PackedForm form{.rows = 6, .columns = 70, .bits = 3, .group = group, .symmetric = symmetric};
      CAPTURE(form.text());
      const at::Tensor ours = unpacked(with_error_feedback(w, h, form), at::kDouble);
      CHECK(at::allclose(ours, by_elimination(w, h, form), 1e-9, 1e-9));
    }
  }
}

TEST_CASE("errors reach columns far behind in one product as they do one by one", "[error_feedback]") {
  const at::Tensor w = testing::random_double({3, 300}, 6), h = correlated(300, 900);
  const PackedForm form{.rows = 3, .columns = 300, .bits = 4};
  CHECK(at::allclose(unpacked(with_error_feedback(w, h, form), at::kDouble), by_elimination(w, h, form), 1e-6,
                     1e-6));
}

TEST_CASE("error feedback changes the outputs less than rounding does", "[error_feedback]") {
  const at::Tensor w = testing::random_double({32, 128}, 7), h = correlated(128);
  for (const int bits : {4, 3, 2}) {
    for (const int64_t group : {PackedForm::kTensor, PackedForm::kRow, int64_t{32}}) {
      const PackedForm form{.rows = 32, .columns = 128, .bits = bits, .group = group};
      CAPTURE(form.text());
      const double fed = output_error(w, unpacked(with_error_feedback(w, h, form), at::kDouble), h);
      const double nearest = output_error(w, unpacked(round_to_nearest(w, form), at::kDouble), h);
      CHECK(fed < (bits > 2 ? 0.7 : 1.0) * nearest);
    }
  }
}

TEST_CASE("inputs that were never seen, or depend on others wholly, are rounded all the same",
          "[error_feedback]") {
  const at::Tensor w = testing::random_double({4, 40}, 8);
  const PackedForm form{.rows = 4, .columns = 40, .bits = 4};
  CHECK(unpacked(with_error_feedback(w, at::zeros({40, 40}, at::kDouble), form), at::kDouble)
            .equal(unpacked(round_to_nearest(w, form), at::kDouble)));
  const at::Tensor one = at::ones({40, 40}, at::kDouble);
  CHECK(output_error(w, unpacked(with_error_feedback(w, one, form), at::kDouble), one) <
        output_error(w, unpacked(round_to_nearest(w, form), at::kDouble), one) + 1e-12);
}

}  // namespace error_feedback_test
