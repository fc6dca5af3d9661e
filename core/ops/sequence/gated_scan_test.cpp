#include "core/ops/sequence/gated_scan.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/fast_path.h"

namespace gated_scan_test {
using namespace subband;

TEST_CASE("the gated scan is its recurrence, one position after the other", "[gated_scan]") {
  const at::Tensor a = at::rand({2, 13, 3}, stream(3, "a"), at::kDouble),
                   u = at::rand({2, 13, 3}, stream(3, "u"), at::kDouble);
  const at::Tensor y = gated_scan(a, u);
  at::Tensor state = at::zeros({2, 3}, at::kDouble);
  for (int64_t t = 0; t < 13; ++t) {
    state = a.select(1, t) * state + u.select(1, t);
    CHECK(at::allclose(y.select(1, t), state, 1e-12, 1e-12));
  }
}

TEST_CASE("the gated scan refuses unlike shapes, and a path that it has not", "[gated_scan]") {
  const at::Tensor a = at::zeros({1, 4, 2});
  CHECK_THROWS_WITH(gated_scan(a, at::zeros({1, 4, 3})), "gated_scan: u: expected [1, 4, 2], got [1, 4, 3]");
  CHECK_THROWS_WITH(gated_scan(a, a, "cuda"),
                    "gated_scan: path = cuda: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32)");
}

static std::vector<at::Tensor> scan_inputs(at::IntArrayRef shape) {
  return {at::rand(shape, stream(3, "a"), at::kDouble), at::empty(shape, at::kDouble).normal_(0, 1, stream(3, "u"))};
}

TEST_CASE("the loops of the gated scan equal the reference, forward and backward", "[gated_scan]") {
  const testing::PathOp op = [](const std::vector<at::Tensor>& in, std::string_view path) {
    return gated_scan(in[0], in[1], path);
  };
  for (const auto& shape : {std::vector<int64_t>{1, 1, 1}, {3, 7, 5}, {3, 67, 33}, {1, 40, 150}, {3, 300, 64}}) {
    CAPTURE(shape);
    testing::check_fast_path(op, scan_inputs(shape));
  }
  testing::check_second_derivatives(op, scan_inputs({2, 9, 3}));
  testing::check_no_rows(op, scan_inputs({2, 0, 3}));
  testing::check_no_rows(op, scan_inputs({0, 3, 3}));
}

TEST_CASE("the loops of the gated scan start anew where a rate is 0", "[gated_scan]") {
  at::Tensor a = at::full({1, 6, 20}, 0.5), u = at::ones({1, 6, 20});
  a.select(1, 3).zero_();
  const at::Tensor y = gated_scan(a, u, "loops");
  for (const auto& [t, wanted] : {std::pair{0, 1.0f}, {1, 1.5f}, {2, 1.75f}, {3, 1.0f}, {4, 1.5f}})
    CHECK(y.select(1, t).eq(wanted).all().item<bool>());
}

}  // namespace gated_scan_test
