#include <ATen/ATen.h>

#include <cmath>

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "experiments/optimizer.h"
#include "experiments/testing/optimizers.h"
#include "experiments/testing/parts.h"

namespace subband::optimizers::adagrad {
void add_to(OptimizerRegistry&);
}

namespace adagrad_test {
using namespace subband;
using config::Node;
using testing::Fields;

std::shared_ptr<Optimizer> adagrad(const std::vector<at::Tensor>& parameters, const Fields& fields) {
  Registry registry;
  optimizers::adagrad::add_to(registry.of<Optimizer>());
  return testing::make_part<Optimizer>(registry, "adagrad", fields, testing::trained(parameters));
}

// Three odd-sized parameters and the gradients of five steps; the last parameter never gets one.
struct Problem {
  std::vector<at::Tensor> parameters;
  std::vector<std::vector<at::Tensor>> gradients;
};

Problem problem(at::ScalarType type) {
  at::Generator draws = stream(7, "adagrad test");
  Problem p;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{1}, {5, 7}, {3}}) {
    p.parameters.push_back(at::randn(shape, draws, at::TensorOptions(type)));
  }
  for (int step = 0; step < 5; ++step) {
    p.gradients.push_back(
        {at::randn({1}, draws, at::TensorOptions(type)), at::randn({5, 7}, draws, at::TensorOptions(type))});
  }
  return p;
}

void run(Optimizer& optimizer, const Problem& p, int from, int to) {
  for (int step = from; step < to; ++step) {
    for (size_t i = 0; i < 2; ++i)
      p.parameters[i].mutable_grad() = p.gradients[static_cast<size_t>(step)][i].clone();
    testing::step(optimizer, 0.1 / (step + 1));
  }
}

TEST_CASE("Adagrad follows its definition, scalar by scalar in double", "[adagrad]") {
  const std::string path = GENERATE("plain", "fused");
  const double decay = 0.03, eps = 1e-3;
  Problem p = problem(at::kDouble);
  std::vector<std::vector<double>> weights, sums;
  for (const at::Tensor& parameter : p.parameters) {
    const double* values = parameter.data_ptr<double>();
    weights.emplace_back(values, values + parameter.numel());
    sums.emplace_back(static_cast<size_t>(parameter.numel()), 0.0);
  }
  const auto optimizer =
      adagrad(p.parameters, {{"path", Node(path)}, {"weight_decay", Node(decay)}, {"eps", Node(eps)}});
  run(*optimizer, p, 0, 5);
  for (size_t step = 0; step < 5; ++step) {
    for (size_t i = 0; i < 2; ++i) {
      for (size_t k = 0; k < weights[i].size(); ++k) {
        const double g = p.gradients[step][i].data_ptr<double>()[k] + decay * weights[i][k];
        sums[i][k] += g * g;
        weights[i][k] -= 0.1 / static_cast<double>(step + 1) * g / (std::sqrt(sums[i][k]) + eps);
      }
    }
  }
  for (size_t i = 0; i < p.parameters.size(); ++i) {
    for (size_t k = 0; k < weights[i].size(); ++k) {
      CHECK(p.parameters[i].data_ptr<double>()[k] == Approx(weights[i][k]).epsilon(1e-12));
    }
  }
}

TEST_CASE("Adagrad's fused path equals the plain one to rounding", "[adagrad]") {
  Problem plain = problem(at::kFloat), fused = problem(at::kFloat);
  run(*adagrad(plain.parameters, {{"path", Node("plain")}, {"weight_decay", Node(1e-2)}}), plain, 0, 5);
  run(*adagrad(fused.parameters, {{"path", Node("fused")}, {"weight_decay", Node(1e-2)}}), fused, 0, 5);
  for (size_t i = 0; i < 3; ++i) CHECK(at::allclose(plain.parameters[i], fused.parameters[i], 1e-6, 1e-6));
}

TEST_CASE("a step of rate 0 moves no weight but fills Adagrad's sums", "[adagrad]") {
  const std::string path = GENERATE("plain", "fused");
  Problem p = problem(at::kFloat);
  const at::Tensor before = p.parameters[1].clone();
  const auto optimizer = adagrad(p.parameters, {{"path", Node(path)}});
  for (size_t i = 0; i < 2; ++i) p.parameters[i].mutable_grad() = p.gradients[0][i];
  testing::step(*optimizer, 0);
  CHECK(p.parameters[1].equal(before));
  CHECK(optimizer->state().at("sum.1").equal(p.gradients[0][1].square()));
}

TEST_CASE("the first Adagrad step is the rate times the gradient's sign, whatever its size", "[adagrad]") {
  Problem p = problem(at::kDouble);
  const at::Tensor before = p.parameters[1].clone();
  const auto optimizer = adagrad(p.parameters, {});
  p.parameters[1].mutable_grad() = p.gradients[0][1] * 1e-4;
  testing::step(*optimizer, 0.5);
  CHECK(at::allclose(before - p.parameters[1], 0.5 * p.gradients[0][1].sign(), 1e-6));
}

TEST_CASE("Adagrad goes on from its saved state bit for bit", "[adagrad]") {
  Problem whole = problem(at::kFloat), parts = problem(at::kFloat);
  run(*adagrad(whole.parameters, {}), whole, 0, 5);
  const auto first = adagrad(parts.parameters, {});
  run(*first, parts, 0, 2);
  const auto second = adagrad(parts.parameters, {});
  second->load(first->state());
  run(*second, parts, 2, 5);
  for (size_t i = 0; i < 3; ++i) CHECK(whole.parameters[i].equal(parts.parameters[i]));
}

TEST_CASE("Adagrad refuses a state of other names and shapes, and keeps its own", "[adagrad]") {
  Problem p = problem(at::kFloat);
  const auto optimizer = adagrad(p.parameters, {});
  CHECK_THROWS_WITH(
      optimizer->load({{"sum.0", at::ones({1})}, {"sum.1", at::ones({7, 5})}, {"sum.3", at::ones({3})}}),
      "optimizer.adagrad: state 'sum.1': expected float [5, 7], got float [7, 5]\n"
      "optimizer.adagrad: state 'sum.2': missing\n"
      "optimizer.adagrad: state 'sum.3': unknown");
  CHECK(optimizer->state().at("sum.0").item<double>() == 0);
}

TEST_CASE("Adagrad refuses a negative rate", "[adagrad]") {
  CHECK_THROWS_WITH(adagrad({}, {{"lr", Node(-1.0)}}), "part.lr = -1.0: must be 0 to 1000");
}

}  // namespace adagrad_test
