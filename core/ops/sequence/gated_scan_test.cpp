#include "core/ops/sequence/gated_scan.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"

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
                    "gated_scan: path = cuda: must be auto, reference or cuda (CUDA, fp32)");
}

}  // namespace gated_scan_test
