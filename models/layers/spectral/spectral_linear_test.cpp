#include "models/layers/spectral/spectral_linear.h"

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/build.h"

using namespace subband;

namespace spectral_linear_test {

using Vector = std::vector<double>;

Vector of(const at::Tensor& x) { return {x.data_ptr<double>(), x.data_ptr<double>() + x.numel()}; }

/// W x, or Wᵀ x, over its norm.
Vector step(const at::Tensor& w, const Vector& x, bool transposed) {
  Vector y(x.size());
  double square = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    for (size_t j = 0; j < x.size(); ++j)
      y[i] += (transposed ? w[static_cast<int64_t>(j)][static_cast<int64_t>(i)]
                          : w[static_cast<int64_t>(i)][static_cast<int64_t>(j)])
                  .item<double>() *
              x[j];
    square += y[i] * y[i];
  }
  for (double& value : y) value /= std::sqrt(square);
  return y;
}

double sigma(const at::Tensor& w, const Vector& u, const Vector& v) {
  double sum = 0;
  for (size_t i = 0; i < u.size(); ++i)
    for (size_t j = 0; j < v.size(); ++j)
      sum += u[i] * w[static_cast<int64_t>(i)][static_cast<int64_t>(j)].item<double>() * v[j];
  return sum;
}

std::shared_ptr<SpectralLinear> make(int64_t width) {
  Initializer initializer(plain_generator(5));
  const auto linear =
      std::make_shared<SpectralLinear>(initializer, Purpose{.role = Role::mixing}, width, nullptr);
  linear->start(initializer);
  linear->to(at::kDouble);
  return linear;
}

}  // namespace spectral_linear_test

TEST_CASE("a spectral linear makes one power iteration per use in training and none in evaluation",
          "[spectral_linear]") {
  namespace test = spectral_linear_test;
  const auto linear = test::make(4);
  const at::NoGradGuard no_gradient;
  const auto buffers = linear->named_buffers();
  const at::Tensor w = linear->original.detach();
  const auto u0 = test::of(buffers["weight_u"]), v0 = test::of(buffers["weight_v"]);
  linear->eval();
  CHECK(linear->weight().allclose(w / test::sigma(w, u0, v0), 1e-12, 1e-12));
  CHECK(test::of(buffers["weight_u"]) == u0);
  linear->train();
  const auto v1 = test::step(w, u0, true), u1 = test::step(w, v1, false);
  CHECK(linear->weight().allclose(w / test::sigma(w, u1, v1), 1e-12, 1e-12));
  for (size_t i = 0; i < u1.size(); ++i)
    CHECK(test::of(buffers["weight_u"])[i] == Approx(u1[i]).epsilon(1e-12));
  for (int step = 0; step < 200; ++step) linear->weight();
  CHECK(at::linalg_matrix_norm(linear->weight(), 2).item<double>() == Approx(1).epsilon(1e-9));
}

TEST_CASE("gradients of a spectral linear reach its matrix, through σ too, and later uses do not spoil them",
          "[spectral_linear]") {
  const auto linear = spectral_linear_test::make(3);
  const at::Tensor c = testing::random_double({3, 3});
  const at::Tensor first = (linear->weight() * c).sum();
  const at::Tensor u = linear->named_buffers()["weight_u"].clone(),
                   v = linear->named_buffers()["weight_v"].clone();
  linear->weight();
  first.backward();
  const at::NoGradGuard no_gradient;
  const at::Tensor w = linear->original.detach();
  const double sigma = u.dot(w.mv(v)).item<double>(), product = (w * c).sum().item<double>();
  const at::Tensor expected = c / sigma - at::outer(u, v) * (product / (sigma * sigma));
  CHECK(linear->original.grad().allclose(expected, 1e-10, 1e-12));
}
