#include "models/quantisation/pack_net.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "models/layers/weight_matrix.h"
#include "models/quantisation/error_feedback.h"
#include "models/quantisation/plan.h"
#include "models/quantisation/rounding.h"
#include "models/testing/waveletlm.h"

namespace pack_net_test {

using namespace subband;
using config::Node;
using testing::integer;
using testing::make_net;

static std::shared_ptr<Net> small_net(const testing::Settings& more = {}) {
  auto net = make_net(testing::with({{"width", integer(40)}, {"block.levels", integer(3)}}, more), 31,
                      Initializer(plain_generator(1)));
  net->eval();
  return net;
}

static at::Tensor some_ids(int64_t rows = 2, int64_t length = 12) {
  return at::empty({rows, length}, at::kLong).random_(0, 31, plain_generator(2));
}

TEST_CASE("a packed net computes as the same net with the weights that its codes stand for", "[pack_net]") {
  const torch::NoGradGuard no_gradient;
  for (const testing::Settings& more :
       {testing::Settings{}, testing::Settings{{"tie_embedding", Node(true)}},
        testing::Settings{{"share_lifting", Node(true)}},
        testing::Settings{{"block.scale_mixer.widths", testing::numbers({1, 1, 0.5, 0.5})}}}) {
    const auto packed = small_net(more), dense = small_net(more);
    QuantisationPlan plan = QuantisationPlan::uniform(4);
    plan.group = 32;
    const PackedForms forms = planned_forms(*packed, plan);
    const PackedMatrices matrices = packed_matrices(*packed, forms);
    pack_net(*packed, matrices, "test");
    for (const auto& [name, matrix] : weight_matrices(*dense)) {
      REQUIRE(matrices.contains(name));
      matrix->dense().copy_(unpacked(matrices.at(name), at::kFloat));
    }
    const at::Tensor ids = some_ids(), wanted = dense->forward(ids);
    CHECK(testing::relative_error(packed->forward(ids), wanted) < 1e-5);
    SequenceState state;
    for (int64_t t = 0; t < 3; ++t)  // token by token, through the loops
      CHECK(testing::relative_error(packed->forward(ids.narrow(1, t, 1), {.state = &state}),
                                    wanted.narrow(1, t, 1)) < 2e-5);
    CHECK(packed->parameters().size() < dense->parameters().size());
  }
}

TEST_CASE("sums of inputs are those of what each matrix multiplied", "[pack_net]") {
  const torch::NoGradGuard no_gradient;
  const auto net = small_net();
  const PackedForms forms = planned_forms(*net, QuantisationPlan::uniform(4));
  const at::Tensor ids = some_ids();
  Hessians hessians;
  {
    const InputSums sums(*net, forms);
    net->forward(ids);
    for (const auto& [name, sum] : sums.sums()) hessians[name] = sum.clone();  // which go on
    net->forward(ids);
    CHECK(at::allclose(sums.sums().at("head.weight"), 2 * hessians.at("head.weight")));
  }
  CHECK_FALSE(hessians.contains("embedding.weight"));  // looked up, not multiplied
  CHECK(hessians.size() > 10);
  CHECK(hessians.at("head.weight").size(0) == 40);
  CHECK(hessians.at("head.weight").diagonal().sum().item<double>() > 0);
  const PackedMatrices fed = packed_matrices(*net, forms, hessians), nearest = packed_matrices(*net, forms);
  CHECK(fed.size() == nearest.size());
  for (const auto& [name, hessian] : hessians) {
    const at::Tensor weight = net->named_parameters()[name].detach();
    CHECK(output_error(weight, unpacked(fed.at(name), at::kDouble), hessian) <=
          output_error(weight, unpacked(nearest.at(name), at::kDouble), hessian));
  }
}

TEST_CASE("packed weights that a net does not have are refused together", "[pack_net]") {
  const auto net = small_net();
  const PackedMatrix wrong = round_to_nearest(at::ones({3, 4}), {.rows = 3, .columns = 4});
  PackedMatrix endless = round_to_nearest(at::ones({31, 40}), {.rows = 31, .columns = 40});
  endless.scales.fill_(INFINITY);
  CHECK_THROWS_WITH(
      pack_net(*net, {{"nobody", wrong}, {"head.weight", wrong}, {"embedding.weight", endless}}, "f"),
      "f: packed 'embedding.weight': scales: must be finite numbers\n"
      "f: packed 'head.weight': expected [31, 40], got [3, 4]\n"
      "f: packed 'nobody': no matrix of this net");
  CHECK_FALSE(first_packed(*net));
}

}  // namespace pack_net_test
