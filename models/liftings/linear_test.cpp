#include <cmath>

#include "core/testing/catch.h"
#include "models/lifting.h"
#include "models/testing/build.h"

using namespace subband;

namespace linear_lifting_test {

std::shared_ptr<Lifting> make(const testing::Settings& settings, Stabilizers stabilizers = {}) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.padded_width = 3;
  context.levels = 3;
  context.stabilizers = stabilizers;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("dyadic", {}, context);
  context.dilation = &dilation;
  return workshop.make<Lifting>("linear", settings, context);
}

}  // namespace linear_lifting_test

TEST_CASE("the linear lifting starts as P = 1, U = 1/2, and level l is damped by 1 + l/10", "[linear]") {
  const auto lifting = linear_lifting_test::make({}, {.lifting_level = true});
  const at::Tensor one = at::eye(3, at::kDouble);
  CHECK(lifting->named_parameters()["predict.2.only.weight"].allclose(one / 1.2, 1e-6));
  CHECK(lifting->named_parameters()["update.0.only.weight"].allclose(one / 2, 1e-6));
}

TEST_CASE("the linear lifting follows its definition", "[linear]") {
  const auto lifting = linear_lifting_test::make({});
  testing::perturb(*lifting);
  const at::NoGradGuard no_gradient;
  const auto values = lifting->named_parameters();
  const at::Tensor h = testing::random_double({1, 6, 3}), z = lifting->decompose(h);
  at::Tensor c = h[0].clone();
  for (int64_t level = 0; level < 3; ++level) {
    const std::string at_level = "." + std::to_string(level);
    at::Tensor next = at::empty_like(c);
    for (int64_t t = 0; t < 6; ++t) {
      const int64_t back = t - (int64_t{1} << level);
      const at::Tensor past = back >= 0 ? c[back] : at::zeros({3}, at::kDouble);
      const at::Tensor d = (past - values["predict" + at_level + ".only.weight"].mv(c[t]) -
                            values["predict" + at_level + ".only.bias"]) /
                           std::sqrt(2.0);
      CHECK(z[3 - level][0][t].allclose(d, 1e-12, 1e-12));
      next[t] = (c[t] + values["update" + at_level + ".only.weight"].mv(d) +
                 values["update" + at_level + ".only.bias"]) /
                std::sqrt(2.0);
    }
    c = next;
  }
  CHECK(z[0][0].allclose(c, 1e-12, 1e-12));
  CHECK(lifting->reconstruct(z).allclose(h, 1e-10, 1e-12));
}
