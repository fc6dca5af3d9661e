#include "models/layers/activation.h"

#include <torch/torch.h>

#include <cmath>

#include "core/testing/catch.h"
#include "models/testing/parts.h"

using namespace subband;

namespace activation_test {

static double logistic(double x) { return 1 / (1 + std::exp(-x)); }

static double by_definition(const std::string& name, double x) {
  const double kPi = 3.14159265358979323846;
  if (name == "gelu") return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  if (name == "gelu_tanh") return x / 2 * (1 + std::tanh(std::sqrt(2 / kPi) * (x + 0.044715 * x * x * x)));
  if (name == "quick_gelu") return x * logistic(1.702 * x);
  if (name == "relu") return std::max(x, 0.0);
  if (name == "relu_squared") return std::max(x, 0.0) * std::max(x, 0.0);
  if (name == "sigmoid") return logistic(x);
  if (name == "silu") return x * logistic(x);
  return std::tanh(x);
}

}  // namespace activation_test

using namespace activation_test;

TEST_CASE("every activation is its formula", "[activation]") {
  const at::Tensor x = testing::random({40}, at::kDouble) * 2;
  for (const std::string& name : activation_names()) {
    const at::Tensor y = activation_of(name)(x);
    for (int64_t i = 0; i < 40; ++i) {
      CAPTURE(name, i);
      CHECK(y[i].item<double>() == Approx(by_definition(name, x[i].item<double>())).margin(1e-12));
    }
  }
}
