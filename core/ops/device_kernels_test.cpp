// Every kernel on the device beside its reference on the CPU, forward and back, twice with the same bits. Where there is no
// device, their bodies have been run on the host all the same (…kernels_test.cpp).
#include <torch/torch.h>

#include <functional>
#include <iostream>

#include "core/ops/features/gated_haar.h"
#include "core/ops/features/random_features.h"
#include "core/ops/memory/product_key_lookup.h"
#include "core/ops/norms/residual_norm.h"
#include "core/ops/optimizer/clipped_update.h"
#include "core/ops/products/linear_cross_entropy.h"
#include "core/ops/products/packed_product.h"
#include "core/ops/recurrence/chunk_state.h"
#include "core/ops/sequence/gated_scan.h"
#include "core/ops/sequence/running_mean.h"
#include "core/ops/sequence/token_attention.h"
#include "core/tensors/device.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"

namespace device_kernels_test {
using namespace subband;
using Inputs = std::vector<at::Tensor>;
using Op = std::function<at::Tensor(const Inputs& inputs, const char* path)>;

static bool has_no_device(const char* what) {
  const std::string problem = cuda_problem();
  if (!problem.empty()) std::cout << "skipped: " << what << ": " << problem << "\n";
  return !problem.empty();
}

static at::Tensor drawn(at::IntArrayRef shape, const std::string& name) {
  return at::empty(shape, at::kFloat).normal_(0, 1, stream(23, name));
}

static Inputs both_ways(const Op& op, const Inputs& inputs, const char* path, at::Device device) {
  Inputs leaves;
  for (const at::Tensor& input : inputs) {
    leaves.push_back(input.to(device).detach().clone());
    if (input.is_floating_point()) leaves.back().requires_grad_();
  }
  Inputs results = {op(leaves, path)};
  if (!results[0].requires_grad()) return results;
  results[0].square().sum().backward();
  for (const at::Tensor& leaf : leaves)
    if (leaf.grad().defined()) results.push_back(leaf.grad());
  return results;
}

static void check_on_device(const Op& op, const Inputs& inputs) {
  const Inputs wanted = both_ways(op, inputs, "reference", at::kCPU);
  const Inputs given = both_ways(op, inputs, "cuda", at::kCUDA), again = both_ways(op, inputs, "cuda", at::kCUDA);
  REQUIRE(given.size() == wanted.size());
  for (size_t i = 0; i < given.size(); ++i) {
    CAPTURE(i);
    CHECK(given[i].equal(again[i]));
    CHECK(at::allclose(given[i].cpu(), wanted[i], 1e-4, 1e-4 * wanted[i].abs().max().item<double>()));
  }
}

TEST_CASE("the device's scans are their references", "[device_kernels][cuda]") {
  if (has_no_device("the device's scans are their references")) return;
  const at::Tensor x = drawn({3, 131, 33}, "x");
  check_on_device([](const Inputs& in, const char* path) { return running_mean(in[0], path); }, {x});
  check_on_device([](const Inputs& in, const char* path) { return gated_scan(in[0], in[1], path); },
                  {drawn({3, 131, 33}, "a").sigmoid(), x});
}

TEST_CASE("the device's Haar bands and random features are their references", "[device_kernels][cuda]") {
  if (has_no_device("the device's Haar bands and random features are their references")) return;
  check_on_device(
      [](const Inputs& in, const char* path) {
        return gated_haar(in[0], in[1], {.is_causal = true, .f = BandActivation::gelu}, path);
      },
      {drawn({3, 131, 33}, "x"), drawn({3, 131, 4}, "gains")});
  const at::Tensor x = drawn({2, 67, 3, 16}, "x") * 0.5, rows = drawn({130, 16}, "rows");
  for (const FeatureMap map : {FeatureMap::relu, FeatureMap::of_query, FeatureMap::of_key})
    check_on_device(
        [map](const Inputs& in, const char* path) { return random_features(in[0], in[1], {map, 0.5, {}}, path); },
        {x, rows});
  check_on_device(
      [](const Inputs& in, const char* path) {
        at::Tensor peak;
        return random_features_so_far(in[0], in[1], 0.5, peak, path).features_BLGM;
      },
      {x, rows});
}

TEST_CASE("the device's matrix state is its reference", "[device_kernels][cuda]") {
  if (has_no_device("the device's matrix state is its reference")) return;
  check_on_device(
      [](const Inputs& in, const char* path) {
        ChunkStateInputs inputs{.q_BLHK = in[0], .k_BLGK = in[1], .v_BLGV = in[2], .log_decay = -in[3].abs()};
        inputs.state_BGKV = in[4], inputs.with_weights = true;
        const ChunkStateOutputs out = chunk_state(inputs, path);
        return at::cat({out.y_BLHV.reshape({-1}), out.state_BGKV.reshape({-1})});
      },
      {drawn({3, 131, 4, 17}, "q"), drawn({3, 131, 2, 17}, "k"), drawn({3, 131, 2, 35}, "v"), drawn({3, 131, 2}, "g"),
       drawn({3, 2, 17, 36}, "s")});
}

TEST_CASE("the device's cross-entropy and product keys are their references", "[device_kernels][cuda]") {
  if (has_no_device("the device's cross-entropy and product keys are their references")) return;
  at::Tensor targets = at::randint(0, 9001, {300}, stream(23, "targets"), at::TensorOptions(at::kLong));
  targets[1] = -100;
  check_on_device(
      [](const Inputs& in, const char* path) { return linear_cross_entropy(in[0], in[1], in[2], path); },
      {drawn({300, 7}, "x"), drawn({9001, 7}, "w"), targets});
  check_on_device(
      [](const Inputs& in, const char* path) { return product_key_lookup(in[0], {in[1], in[2], in[3]}, 5, path); },
      {drawn({77, 2, 8}, "q"), drawn({2, 9, 4}, "a"), drawn({2, 9, 4}, "b"), drawn({162, 13}, "v")});
}

TEST_CASE("the device's products of few bits and attention of one token are their references",
          "[device_kernels][cuda]") {
  if (has_no_device("the device's products of few bits and attention of one token are their references")) return;
  const at::NoGradGuard no_gradient;
  const at::Tensor q = drawn({2, 2, 3, 33}, "q"), k = drawn({2, 2, 70, 33}, "k").narrow(2, 0, 65),
                   v = drawn({2, 2, 70, 83}, "v").narrow(2, 0, 65);
  const at::Tensor y = token_attention(q.cuda(), k.cuda(), v.cuda(), 0.3, "cuda");
  CHECK(at::allclose(y.cpu(), token_attention(q, k, v, 0.3, "reference"), 1e-4, 1e-5));
  for (const int bits : {8, 4, 3, 2}) {
    CAPTURE(bits);
    const PackedForm form{.rows = 37, .columns = 177, .bits = bits, .group = 32};
    const int64_t end = int64_t{1} << (bits - 1);
    const PackedMatrix matrix =
        packed_matrix(form, at::randint(-end, end, {37, 177}, stream(23, "codes"), at::TensorOptions(at::kChar)),
                      drawn({37, form.groups()}, "scales").abs(), {});
    const at::Tensor x = drawn({3, 177}, "x");
    CHECK(at::allclose(packed_product(x.cuda(), matrix.to(at::kCUDA), {}, "cuda").cpu(),
                       packed_product(x, matrix, {}, "reference"), 1e-3, 1e-3));
  }
}

TEST_CASE("the device's residual sums and their norms are their references", "[device_kernels][cuda]") {
  if (has_no_device("the device's residual sums and their norms are their references")) return;
  const Inputs all = {drawn({3, 67, 33}, "x"), drawn({}, "a"), drawn({3, 67, 33}, "y"), drawn({33}, "b"), drawn({33}, "weight"),
                      drawn({33}, "bias")};
  for (const NormKind kind : {NormKind::layer, NormKind::rms})
    check_on_device(
        [kind](const Inputs& in, const char* path) {
          NormWeights norm{.kind = kind, .weight_C = in[4]};
          if (kind == NormKind::layer) norm.bias_C = in[5];
          const ResidualNorm both = residual_norm({in[0], in[1]}, {{in[2], in[3]}}, norm, path);
          return at::stack({both.sum, both.normed});
        },
        all);
  check_on_device(
      [](const Inputs& in, const char* path) { return residual_sum({in[0], {}}, {{in[2], {}}, {in[0], in[1]}}, path); }, all);
}

TEST_CASE("the device's clipped updates are their references", "[device_kernels][cuda]") {
  if (has_no_device("the device's clipped updates are their references")) return;
  const UpdateRule rule{.rate = 0.1, .weight_decay = 0.03, .eps = 1e-3, .beta1 = 0.9, .beta2 = 0.99};
  for (const bool is_adamw : {false, true}) {
    const auto updated = [&](at::Device device, const char* path) {
      UpdateTensors t;
      for (const int64_t size : {1, 37, 40000}) {
        const auto own = [&](const char* name) { return drawn({size}, name + std::to_string(size)).to(device); };
        t.parameters.push_back(own("p")), t.gradients.push_back(own("g"));
        t.first.push_back(own("first").abs());
        if (is_adamw) t.second.push_back(own("second").abs()), t.steps.push_back(at::ones({}).to(device));
      }
      const GradientClip clip{gradient_norm(t.gradients), 0.5};
      (is_adamw ? clipped_adamw : clipped_adagrad)(t, rule, clip, path);
      t.parameters.insert(t.parameters.end(), t.first.begin(), t.first.end());
      return t.parameters;
    };
    const auto wanted = updated(at::kCPU, "reference"), given = updated(at::kCUDA, "cuda"), again = updated(at::kCUDA, "cuda");
    for (size_t i = 0; i < wanted.size(); ++i) {
      CHECK(given[i].equal(again[i]));
      CHECK(at::allclose(given[i].cpu(), wanted[i], 1e-4, 1e-5));
    }
  }
}

}  // namespace device_kernels_test
