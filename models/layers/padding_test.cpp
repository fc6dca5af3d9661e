#include "models/layers/padding.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

TEST_CASE("what padded tokens say is zero, NaN or not, and real ones are untouched", "[padding]") {
  const at::Tensor keep = at::tensor({1, 1, 0, 1, 0, 0}).to(at::kBool).view({2, 3});
  at::Tensor x = testing::random({2, 3, 4, 5});
  const at::Tensor before = x.clone();
  x[0][2].fill_(std::nan(""));
  const at::Tensor kept = masked(x, keep);
  CHECK(at::equal(kept.index({keep}), before.index({keep})));
  CHECK(at::equal(kept.index({keep.logical_not()}), at::zeros({3, 4, 5})));
  CHECK(masked(x, {}).is_same(x));
}

TEST_CASE("real tokens are counted, and stand before the padding", "[padding]") {
  const at::Tensor keep = at::tensor({1, 1, 0, 0, 0, 0}).to(at::kBool).view({2, 3});
  CHECK(at::equal(real_lengths("fnet", keep), at::tensor({2, 0})));
  CHECK_THROWS_WITH(real_lengths("fnet", at::tensor({1, 0, 1}).to(at::kBool).view({1, 3})),
                    "fnet: keep: a real token stands right of padding; padding must be last");
}
