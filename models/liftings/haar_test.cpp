#include <cmath>

#include "core/testing/catch.h"
#include "models/lifting.h"
#include "models/testing/build.h"

using namespace subband;

namespace haar_test {

std::shared_ptr<Lifting> make(const std::string& dilation_type) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.levels = 3;
  const Slot<Dilation> dilation = workshop.slot<Dilation>(dilation_type, {}, context);
  context.dilation = &dilation;
  return workshop.make<Lifting>("haar", {}, context);
}

}  // namespace haar_test

TEST_CASE("the fixed Haar lifting follows its definition and has no parameters", "[haar]") {
  const auto lifting = haar_test::make("dyadic");
  CHECK(lifting->parameters().empty());
  CHECK(lifting->flops(11) == 3 * 11 * 64 * 6);  // two sums and two products down, one of each back
  const at::Tensor h = testing::random_double({2, 11, 3}), z = lifting->decompose(h);
  at::Tensor c = h;
  for (int64_t level = 0; level < 3; ++level) {
    at::Tensor next = at::empty_like(c);
    for (int64_t t = 0; t < 11; ++t) {
      const int64_t back = t - (int64_t{1} << level);
      const at::Tensor past = back >= 0 ? c.select(1, back) : at::zeros({2, 3}, at::kDouble);
      CHECK(z[3 - level].select(1, t).allclose((c.select(1, t) - past) * 0.70710678118, 1e-13, 1e-13));
      next.select(1, t).copy_((c.select(1, t) + past) * 0.70710678118);
    }
    c = next;
  }
  CHECK(z[0].allclose(c, 1e-13, 1e-13));
}

TEST_CASE("the fixed Haar lifting puts together what it took apart, with any dilation", "[haar]") {
  for (const char* dilation : {"dyadic", "crawl"}) {
    const auto lifting = haar_test::make(dilation);
    const at::Tensor h = testing::random_double({2, 5, 3});
    CHECK(lifting->reconstruct(lifting->decompose(h)).allclose(h, 1e-9, 1e-9));
  }
  CHECK(haar_test::make("crawl")->named_parameters().contains("dilation.logits"));
}
