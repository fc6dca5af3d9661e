#include <cmath>

#include "core/testing/catch.h"
#include "models/lifting.h"
#include "models/testing/build.h"

using namespace subband;

namespace data_dependent_test {

std::shared_ptr<Lifting> make(const std::string& type, const testing::Settings& settings = {},
                              Stabilizers stabilizers = {}) {
  const testing::Workshop workshop;
  LiftingContext context;
  context.padded_width = 3;
  context.levels = 2;
  context.stabilizers = stabilizers;
  const Slot<Dilation> dilation = workshop.slot<Dilation>("dyadic", {}, context);
  context.dilation = &dilation;
  return workshop.make<Lifting>(type, settings, context);
}

}  // namespace data_dependent_test

TEST_CASE("the data-dependent lifting follows its definition and reconstructs perfectly",
          "[data_dependent]") {
  const auto lifting = data_dependent_test::make("data_dependent");
  testing::perturb(*lifting, 0.6);
  const at::NoGradGuard no_gradient;
  const auto values = lifting->named_parameters();
  const auto affine = [&](const std::string& net, const at::Tensor& x) {
    return values[net + ".weight"].mv(x) + values[net + ".bias"];
  };
  const auto step = [&](const std::string& name, int64_t level, const at::Tensor& x) {
    const std::string at_level = "." + std::to_string(level);
    at::Tensor y = affine(name + at_level + ".only", x);
    const at::Tensor gate = affine(name + "_gates" + at_level, x);
    for (int64_t i = 0; i < 3; ++i) y[i] *= 2 / (1 + std::exp(-gate[i].item<double>()));
    return y;
  };
  const at::Tensor h = testing::random_double({1, 6, 3}), z = lifting->decompose(h);
  at::Tensor c = h[0].clone();
  for (int64_t level = 0; level < 2; ++level) {
    at::Tensor next = at::empty_like(c);
    for (int64_t t = 0; t < 6; ++t) {
      const int64_t back = t - (int64_t{1} << level);
      const at::Tensor past = back >= 0 ? c[back] : at::zeros({3}, at::kDouble);
      const at::Tensor d = (past - step("predict", level, c[t])) / std::sqrt(2.0);
      CHECK(z[2 - level][0][t].allclose(d, 1e-12, 1e-12));
      next[t] = (c[t] + step("update", level, d)) / std::sqrt(2.0);
    }
    c = next;
  }
  CHECK(z[0][0].allclose(c, 1e-12, 1e-12));
  CHECK(lifting->reconstruct(z).allclose(h, 1e-10, 1e-12));
}

TEST_CASE("the data-dependent lifting starts as the linear one", "[data_dependent]") {
  const at::Tensor h = testing::random_double({2, 6, 3});
  CHECK(data_dependent_test::make("data_dependent")
            ->decompose(h)
            .allclose(data_dependent_test::make("linear")->decompose(h), 1e-12, 1e-12));
  const Stabilizers damped{.lifting_level = true};
  CHECK(data_dependent_test::make("data_dependent", {}, damped)
            ->decompose(h)
            .allclose(data_dependent_test::make("linear", {}, damped)->decompose(h), 1e-12, 1e-12));
  CHECK_THROWS_WITH(data_dependent_test::make("data_dependent", {{"init", config::Node("flat")}}),
                    "part.init = flat: unknown choice; known: haar, random, uniform, zero");
}
