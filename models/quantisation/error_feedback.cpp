#include "models/quantisation/error_feedback.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/tensors/expect.h"
#include "models/quantisation/rounding.h"

namespace subband {

namespace {

constexpr double kDamping = 0.01;  // of the mean of H's diagonal
constexpr int64_t kStretch = 128;  // columns whose errors reach the columns behind them in one product

// U, upper triangular, UᵀU = (H + λI)⁻¹; λ grows until the sum has a root.
at::Tensor root_of_inverse(const at::Tensor& hessian_CC) {
  at::Tensor h = hessian_CC.to(at::kDouble).clone();
  const at::Tensor diagonal = h.diagonal();
  diagonal.masked_fill_(diagonal == 0, 1);
  const double mean = diagonal.mean().item<double>();
  for (double damping = kDamping; damping < 1e6; damping *= 10) {
    const at::Tensor damped = h + at::eye(h.size(0), h.options()) * (damping * mean);
    const auto [root, failed] = at::linalg_cholesky_ex(damped);
    if (failed.item<int64_t>() != 0) continue;
    const auto [upper, failed_again] = at::linalg_cholesky_ex(at::cholesky_inverse(root), /*upper=*/true);
    if (failed_again.item<int64_t>() == 0) return upper;
  }
  throw Error("calibration", "inputs: are not finite numbers");
}

// One matrix on its way, columns as rows: the next column is one stretch of memory.
class Feedback {
 public:
  Feedback(const at::Tensor& weight_RC, const at::Tensor& hessian_CC, const PackedForm& form)
      : form_(form),
        w_CR_(weight_RC.to(at::kDouble).t().contiguous().clone()),
        q_CR_(at::zeros_like(w_CR_)),
        u_CC_(root_of_inverse(hessian_CC)) {}

  PackedMatrix run() {
    const int64_t step =
        std::max(kStretch, form_.group);  // a group begins where all errors before it have arrived
    if (!form_.has_groups()) grids_.push_back(grid_of(w_CR_.t(), form_));
    for (int64_t first = 0; first < form_.columns; first += step)
      stretch(first, std::min(step, form_.columns - first));
    return packed_on(form_, q_CR_.t(), grids_);
  }

 private:
  void stretch(int64_t first, int64_t count) {
    const at::Tensor errors_nR = at::empty({count, form_.rows}, w_CR_.options());
    for (int64_t i = first; i < first + count; ++i) {
      if (form_.has_groups() && i % form_.group == 0)
        grids_.push_back(grid_of(w_CR_.narrow(0, i, std::min(form_.group, form_.columns - i)).t(), form_));
      const at::Tensor w_R1 = w_CR_.select(0, i).unsqueeze(1),
                       q_R1 = rounded(w_R1, grids_.back(), form_.bits);
      const at::Tensor error_R = (w_R1 - on_grid(q_R1, grids_.back())).squeeze(1) / u_CC_[i][i];
      q_CR_.select(0, i).copy_(q_R1.squeeze(1));
      errors_nR.select(0, i - first).copy_(error_R);
      const int64_t behind = first + count - i - 1;
      if (behind > 0)
        w_CR_.narrow(0, i + 1, behind).sub_(at::outer(u_CC_[i].narrow(0, i + 1, behind), error_R));
    }
    const int64_t end = first + count, rest = form_.columns - end;
    if (rest > 0)
      w_CR_.narrow(0, end, rest)
          .sub_(at::matmul(u_CC_.narrow(0, first, count).narrow(1, end, rest).t(), errors_nR));
  }

  PackedForm form_;
  at::Tensor w_CR_, q_CR_, u_CC_;
  std::vector<Grid> grids_;
};

}  // namespace

double output_error(const at::Tensor& weight_RC, const at::Tensor& rounded_RC, const at::Tensor& hessian_CC) {
  const at::Tensor lost = weight_RC.to(at::kDouble) - rounded_RC.to(at::kDouble);
  return at::matmul(lost, hessian_CC.to(at::kDouble)).mul(lost).sum().item<double>();
}

PackedMatrix with_error_feedback(const at::Tensor& weight_RC, const at::Tensor& hessian_CC,
                                 const PackedForm& form) {
  expect_shape("error_feedback", "hessian", hessian_CC, {form.columns, form.columns});
  const PackedMatrix nearest = round_to_nearest(weight_RC, form);
  const PackedMatrix fed = Feedback(weight_RC, hessian_CC, form).run();
  const auto error = [&](const PackedMatrix& each) {
    return output_error(weight_RC, unpacked(each, at::kDouble), hessian_CC);
  };
  return error(fed) <= error(nearest) ? fed : nearest;
}

}  // namespace subband
