#include "core/ops/recurrence/weighted_mean.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/testing/fast_path.h"

namespace weighted_mean_test {
using namespace subband;

static std::vector<at::Tensor> inputs(at::IntArrayRef shape) {
  at::Tensor sums = at::empty(shape, at::kDouble).normal_(0, 1, stream(13, "sums"));
  sums.narrow(-1, shape.back() - 1, 1).abs_();
  return {sums};
}

static testing::PathOp op_of(const WeightFloor& floor) {
  return [floor](const std::vector<at::Tensor>& in, std::string_view path) { return weighted_mean(in[0], floor, path); };
}

TEST_CASE("the weighted mean divides by the weights, and not by less than its floor", "[weighted_mean]") {
  const at::Tensor sums = at::tensor({3.0, 5.0, 2.0, 3.0, 5.0, 0.25}, at::kDouble).view({2, 3});
  CHECK(weighted_mean(sums, {.epsilon = 0.5}).allclose(at::tensor({1.2, 2.0, 4.0, 20.0 / 3}, at::kDouble).view({2, 2})));
  CHECK(weighted_mean(sums, {.least = 1}).allclose(at::tensor({1.5, 2.5, 3.0, 5.0}, at::kDouble).view({2, 2})));
}

TEST_CASE("the loops of the weighted mean equal the reference, forward and backward", "[weighted_mean]") {
  for (const WeightFloor& floor : {WeightFloor{}, WeightFloor{.epsilon = 1e-2}, WeightFloor{.least = 0.5}}) {
    testing::check_fast_path(op_of(floor), inputs({1, 2}));
    testing::check_fast_path(op_of(floor), inputs({2, 67, 3, 9}));
    testing::check_fast_path(op_of(floor), inputs({5, 30}));
    testing::check_no_rows(op_of(floor), inputs({2, 0, 3, 9}));
  }
}

TEST_CASE("gradients of the weighted mean can be differentiated again", "[weighted_mean]") {
  testing::check_second_derivatives(op_of({.epsilon = 0.5}), inputs({3, 4, 5}));
}

TEST_CASE("the weighted mean refuses sums without weights", "[weighted_mean]") {
  CHECK_THROWS_WITH(weighted_mean(at::zeros({3, 0}), {}), "weighted_mean: sums: expected a last column of weights, got none");
}

}  // namespace weighted_mean_test
