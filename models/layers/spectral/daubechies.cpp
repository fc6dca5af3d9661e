#include "models/layers/spectral/daubechies.h"

#include <cassert>
#include <cmath>
#include <complex>

namespace subband {

namespace {

using Real = long double;
using Complex = std::complex<Real>;

Complex polynomial(const std::vector<Real>& coefficients, Complex y) {
  Complex value = 0;
  for (size_t i = coefficients.size(); i-- > 0;) value = value * y + coefficients[i];
  return value;
}

// All roots at once (Durand and Kerner): each moves by its value over the product of its distances to the others.
std::vector<Complex> roots(const std::vector<Real>& coefficients) {
  const size_t degree = coefficients.size() - 1;
  std::vector<Complex> all;
  for (size_t i = 0; i < degree; ++i)
    all.push_back(
        std::polar<Real>(0.6L, 0.4L + 6.2831853L * static_cast<Real>(i) / static_cast<Real>(degree)));
  for (int round = 0; round < 2000; ++round) {
    Real moved = 0;
    for (size_t i = 0; i < degree; ++i) {
      Complex others = coefficients.back();
      for (size_t j = 0; j < degree; ++j)
        if (j != i) others *= all[i] - all[j];
      const Complex step = polynomial(coefficients, all[i]) / others;
      all[i] -= step;
      moved = std::max(moved, std::abs(step));
    }
    if (moved < 1e-18L) break;
  }
  return all;
}

void multiply(std::vector<Complex>& product, Complex constant) {  // by z + constant
  product.push_back(0);
  for (size_t i = product.size() - 1; i > 0; --i) product[i] = product[i - 1] + constant * product[i];
  product[0] *= constant;
}

}  // namespace

// |H|² = 2 cos^2N P(sin²),  P(y) = sum_k binomial(N - 1 + k, k) y^k,  y = (2 - z - 1/z) / 4
std::vector<double> daubechies(int64_t order) {
  assert(order >= 1 && order <= 20);
  std::vector<Real> coefficients = {1};
  for (int64_t k = 1; k < order; ++k)
    coefficients.push_back(coefficients.back() * static_cast<Real>(order - 1 + k) / static_cast<Real>(k));
  std::vector<Complex> filter = {1};
  for (int64_t i = 0; i < order; ++i) multiply(filter, 1);
  for (const Complex y : roots(coefficients)) {
    const Complex middle = Complex(1) - Complex(2) * y, offset = std::sqrt(middle * middle - Complex(1));
    const Complex z = std::abs(middle - offset) < 1 ? middle - offset : middle + offset;
    multiply(filter, -z);
  }
  Real sum = 0;
  for (const Complex tap : filter) sum += tap.real();
  std::vector<double> taps;
  for (size_t i = filter.size(); i-- > 0;)
    taps.push_back(static_cast<double>(filter[i].real() / sum * std::sqrt(2.0L)));
  return taps;
}

}  // namespace subband
