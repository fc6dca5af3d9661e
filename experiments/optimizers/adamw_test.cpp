#include <ATen/ATen.h>

#include <cmath>

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/optimizer.h"
#include "experiments/testing/optimizers.h"
#include "experiments/testing/parts.h"

namespace subband::optimizers::adamw {
void add_to(OptimizerRegistry&);
}

namespace adamw_test {
using namespace subband;
using config::Node;
using testing::Fields;

std::shared_ptr<Optimizer> adamw(const std::vector<at::Tensor>& parameters, const Fields& fields) {
  Registry registry;
  optimizers::adamw::add_to(registry.of<Optimizer>());
  return testing::make_part<Optimizer>(registry, "adamw", fields, testing::trained(parameters));
}

at::Tensor gradient(int64_t step, at::ScalarType type) {
  return at::randn({5, 3}, stream(11, "adamw test", static_cast<uint64_t>(step)), at::TensorOptions(type));
}

// Steps `from` to `to`; the parameter has no gradient in step 2.
void run(Optimizer& optimizer, const at::Tensor& weight, int64_t from, int64_t to) {
  for (int64_t step = from; step < to; ++step) {
    weight.mutable_grad() = step == 2 ? at::Tensor() : gradient(step, weight.scalar_type());
    testing::step(optimizer, 0.01 * static_cast<double>(step + 1));
  }
}

TEST_CASE("AdamW follows its definition, scalar by scalar in double", "[adamw]") {
  const std::string path = GENERATE("plain", "fused");
  const double beta1 = 0.8, beta2 = 0.95, eps = 1e-3, decay = 0.1;
  const at::Tensor weight = at::randn({5, 3}, stream(11, "weight"), at::TensorOptions(at::kDouble));
  const std::vector<double> start(weight.data_ptr<double>(), weight.data_ptr<double>() + 15);
  const auto optimizer = adamw({weight}, {{"path", Node(path)},
                                          {"beta1", Node(beta1)},
                                          {"beta2", Node(beta2)},
                                          {"eps", Node(eps)},
                                          {"weight_decay", Node(decay)}});
  run(*optimizer, weight, 0, 6);
  for (size_t k = 0; k < start.size(); ++k) {
    double w = start[k], m = 0, v = 0;
    int t = 0;
    for (int64_t step = 0; step < 6; ++step) {
      if (step == 2) continue;
      const double g = gradient(step, at::kDouble).data_ptr<double>()[k];
      const double rate = 0.01 * static_cast<double>(step + 1);
      ++t;
      w -= rate * decay * w;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      w -= rate * (m / (1 - std::pow(beta1, t))) / (std::sqrt(v / (1 - std::pow(beta2, t))) + eps);
    }
    CHECK(weight.data_ptr<double>()[k] == Approx(w).epsilon(1e-10));
  }
}

TEST_CASE("AdamW's fused path equals the plain one to rounding", "[adamw]") {
  const at::Tensor plain = at::randn({5, 3}, stream(11, "weight"), at::TensorOptions());
  const at::Tensor fused = plain.clone();
  run(*adamw({plain}, {{"path", Node("plain")}}), plain, 0, 6);
  run(*adamw({fused}, {{"path", Node("fused")}}), fused, 0, 6);
  CHECK(at::allclose(plain, fused, 1e-5, 1e-6));
}

TEST_CASE("AdamW's decay is decoupled: without a gradient's pull weights shrink by exactly lr times wd",
          "[adamw]") {
  const at::Tensor weight = at::full({3}, 2.0, at::kDouble);
  const auto optimizer = adamw({weight}, {{"weight_decay", Node(0.5)}});
  weight.mutable_grad() = at::zeros_like(weight);
  testing::step(*optimizer, 0.1);
  CHECK(at::allclose(weight, at::full({3}, 2.0 * (1 - 0.1 * 0.5), at::kDouble)));
}

TEST_CASE("AdamW goes on from its saved state bit for bit", "[adamw]") {
  const at::Tensor whole = at::randn({5, 3}, stream(11, "weight"), at::TensorOptions());
  const at::Tensor parts = whole.clone();
  run(*adamw({whole}, {}), whole, 0, 6);
  const auto first = adamw({parts}, {});
  run(*first, parts, 0, 4);
  const auto second = adamw({parts}, {});
  second->load(first->state());
  run(*second, parts, 4, 6);
  CHECK(whole.equal(parts));
}

TEST_CASE("AdamW refuses a decay of 1", "[adamw]") {
  CHECK_THROWS_WITH(adamw({}, {{"beta2", Node(1.0)}}), "part.beta2 = 1.0: must be 0 to 0.999999");
}

}  // namespace adamw_test
