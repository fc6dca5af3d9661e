#include "models/layers/dropout.h"

#include "core/tensors/random.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("dropout zeroes its share and scales the rest, by the generator's next draws", "[dropout]") {
  Noise noise{.generator = plain_generator(3)};
  const at::Tensor x = at::ones({100, 100}), y = dropout(x, 0.25, true, &noise);
  CHECK((y.eq(0) | (y - 1 / 0.75).abs().lt(1e-6)).all().item<bool>());
  CHECK(y.eq(0).to(at::kDouble).mean().item<double>() == Approx(0.25).margin(0.02));
  CHECK_FALSE(dropout(x, 0.25, true, &noise).equal(y));
  noise.generator = plain_generator(3);
  CHECK(dropout(x, 0.25, true, &noise).equal(y));
}

TEST_CASE("dropout draws nothing in evaluation and at rate zero, and refuses to draw from nowhere",
          "[dropout]") {
  const at::Tensor x = at::ones({3});
  CHECK(dropout(x, 0.5, false, nullptr).is_same(x));
  CHECK(dropout(x, 0, true, nullptr).is_same(x));
  CHECK_THROWS_WITH(dropout(x, 0.5, true, nullptr),
                    "dropout: no generator to draw a mask from; call set_generator before training");
}
