#include "core/tensors/expect.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("a tensor of the expected shape passes, with any size where any is allowed", "[expect]") {
  CHECK_NOTHROW(expect_shape("wersa", "x", at::zeros({2, 16, 64}), {kAny, kAny, 64}));
  CHECK_NOTHROW(expect_shape("wersa", "scale", at::zeros({}), {}));
}

TEST_CASE("a wrong shape is refused with part, name, expectation and fact", "[expect]") {
  CHECK_THROWS_WITH(expect_shape("softmax_attention", "x", at::zeros({2, 16, 32}), {kAny, kAny, 64}),
                    "softmax_attention: x: expected [*, *, 64], got [2, 16, 32]");
  CHECK_THROWS_WITH(expect_shape("wersa", "keep", at::zeros({2}), {2, 7}),
                    "wersa: keep: expected [2, 7], got [2]");
  CHECK_THROWS_WITH(expect_shape("wersa", "x", at::Tensor(), {kAny}), "wersa: x: expected [*], got nothing");
  CHECK_THROWS_AS(expect_shape("wersa", "x", at::zeros({2}), {3}), ShapeError);
}
