#include "models/layers/weight_matrix.h"

#include <torch/torch.h>

#include "core/testing/catch.h"
#include "models/layers/embedding.h"
#include "models/layers/projection.h"
#include "models/quantisation/rounding.h"
#include "models/testing/build.h"

namespace weight_matrix_test {

using namespace subband;
using testing::random_double;

static PackedForm form_of(const WeightMatrix& matrix, int bits, int64_t group = PackedForm::kRow) {
  return {.rows = matrix.rows(), .columns = matrix.columns(), .bits = bits, .group = group};
}

static at::Tensor fp32(at::IntArrayRef shape) { return random_double(shape).to(at::kFloat); }

TEST_CASE("a packed projection applies itself as the matrix that its codes say", "[weight_matrix]") {
  const torch::NoGradGuard no_gradient;
  Initializer first(plain_generator(3));
  Projection map(first, {.purpose = {.role = Role::gate}, .in = 70, .out = 9});
  const at::Tensor before = map.dense().clone(), x = fp32({4, 70});
  map.pack(round_to_nearest(before, form_of(map, 4, 32)));
  CHECK(map.parameters().size() == 1);  // the bias
  CHECK((map.dense() - before).abs().max().item<double>() <
        0.5 * before.abs().max().item<double>() / 7 + 1e-6);
  CHECK_FALSE(map.dense().equal(before));
  CHECK(at::allclose(map.forward(x), at::linear(x, map.dense(), map.first_bias()), 1e-5, 1e-6));
  CHECK(map.purpose().role == Role::gate);
  map.to(at::kDouble);
  CHECK(map.type() == at::kDouble);
  CHECK(map.dense().scalar_type() == at::kDouble);
  CHECK(at::allclose(map.forward(x.to(at::kDouble)),
                     at::linear(x.to(at::kDouble), map.dense(), map.first_bias())));
  CHECK_THROWS_WITH(map.pack(round_to_nearest(before.t(), {.rows = 70, .columns = 9})),
                    "weight: packed: expected [9, 70], got [70, 9]");
}

TEST_CASE("packed projections of several kinds are applied side by side", "[weight_matrix]") {
  const torch::NoGradGuard no_gradient;
  Initializer first(plain_generator(4));
  std::vector<std::shared_ptr<Projection>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(std::make_shared<Projection>(first, ProjectionPlan{.in = 20, .out = 6, .bias = false}));
  all[0]->pack(round_to_nearest(all[0]->dense(), form_of(*all[0], 8)));
  all[2]->pack(round_to_nearest(all[2]->dense(), form_of(*all[2], 3)));
  const at::Tensor x = fp32({3, 5, 20}), y = apply_each(all, x);
  for (int64_t i = 0; i < 3; ++i)
    CHECK(at::allclose(y[i], at::linear(x[i], all[static_cast<size_t>(i)]->dense()), 1e-5, 1e-6));
}

TEST_CASE("a packed embedding gives rows, ranges of rows and logits", "[weight_matrix]") {
  const torch::NoGradGuard no_gradient;
  Initializer first(plain_generator(5));
  Embedding table(first, 11, 40, 1);
  table.pack(round_to_nearest(table.dense(), form_of(table, 8, PackedForm::kTensor)));
  const at::Tensor ids = torch::tensor({{10, 0}, {3, 3}}), x = fp32({2, 40}), w = table.dense();
  CHECK(table.forward(ids).equal(at::embedding(w, ids)));
  CHECK(table.rows(4, 3).equal(w.narrow(0, 4, 3)));
  CHECK(at::allclose(table.logits(x), at::linear(x, w), 1e-5, 1e-5));
}

TEST_CASE("matrices of a net are found by name, and the first packed one", "[weight_matrix]") {
  Initializer first(plain_generator(6));
  torch::nn::Module root("root");
  const auto a =
      root.register_module("a", std::make_shared<Projection>(first, ProjectionPlan{.in = 2, .out = 3}));
  const auto inner = root.register_module("inner", std::make_shared<torch::nn::Module>("inner"));
  const auto table = inner->register_module("table", std::make_shared<Embedding>(first, 4, 2, 1));
  const auto all = weight_matrices(root);
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "a.weight");
  CHECK(all[1].name == "inner.table.weight");
  CHECK(all[1].matrix == table.get());
  CHECK_FALSE(first_packed(root));
  table->pack(round_to_nearest(table->dense().detach(), form_of(*table, 2)));
  CHECK(first_packed(root) == "inner.table.weight (2 bits, a scale a row)");
}

TEST_CASE("whoever watches a matrix is shown the inputs of its products", "[weight_matrix]") {
  Initializer first(plain_generator(7));
  std::vector<std::shared_ptr<Projection>> two;
  for (int i = 0; i < 2; ++i)
    two.push_back(std::make_shared<Projection>(first, ProjectionPlan{.in = 3, .out = 2, .bias = false}));
  std::vector<at::Tensor> shown;
  for (const auto& each : two) each->watch([&](const at::Tensor& x) { shown.push_back(x); });
  const at::Tensor x = fp32({2, 4, 3});
  two[1]->forward(x[0]);
  apply_each(two, x);
  REQUIRE(shown.size() == 3);
  CHECK(shown[0].equal(x[0]));
  CHECK(shown[1].equal(x[0]));
  CHECK(shown[2].equal(x[1]));
}

}  // namespace weight_matrix_test
