#include "core/ops/op_paths.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/ops/features/gated_haar.h"
#include "core/ops/features/random_features.h"
#include "core/ops/hadamard/biased_fwht.h"
#include "core/ops/hadamard/fwht.h"
#include "core/ops/lifting/gated_product.h"
#include "core/ops/lifting/gelu_network.h"
#include "core/ops/lifting/lifting.h"
#include "core/ops/memory/product_key_lookup.h"
#include "core/ops/norms/residual_norm.h"
#include "core/ops/optimizer/clipped_update.h"
#include "core/ops/products/linear.h"
#include "core/ops/products/linear_cross_entropy.h"
#include "core/ops/products/packed_product.h"
#include "core/ops/recurrence/chunk_state.h"
#include "core/ops/recurrence/gated_norm.h"
#include "core/ops/recurrence/weighted_mean.h"
#include "core/ops/sequence/causal_filter.h"
#include "core/ops/sequence/gated_scan.h"
#include "core/ops/sequence/rotation.h"
#include "core/ops/sequence/running_mean.h"
#include "core/ops/sequence/token_attention.h"
#include "core/testing/catch.h"

using namespace subband;

namespace op_paths_test {

static std::vector<std::string> texts(const OpPaths& paths) {
  std::vector<std::string> all;
  for (const OpUse& use : paths.uses()) all.push_back(std::to_string(use.calls) + " " + op_use_text(use));
  return all;
}

using Words = std::vector<std::string>;

static void run(const std::string& op, const at::Tensor& x) {
  const at::Tensor rows = at::zeros({1, 1, 2, 4});
  if (op == "fwht") fwht(x);
  if (op == "causal_filter") causal_filter(x, at::ones({2}), 1);
  const PackedMatrix packed = packed_matrix({.rows = 2, .columns = 4}, at::zeros({2, 4}, at::kChar), at::ones({2, 1}), {});
  if (op == "packed_product") packed_product(x, packed, {});
  if (op == "unpacked") unpacked(packed, at::kFloat);
  const at::Tensor square = at::zeros({4, 4}), line = at::zeros({4});
  const LiftingNetwork network{square, line, square, line};
  if (op == "gelu_network") gelu_network(x, {square, line, square, line});
  if (op == "gated_product") gated_product(x, {{square, square, {}, {}, {}}}, GateKind::silu);
  const at::Tensor state = at::ones({4}), steps = at::zeros({});
  if (op == "gradient_norm") gradient_norm({line});
  if (op == "clipped_adagrad")
    clipped_adagrad({.parameters = {line}, .gradients = {line}, .first = {state}, .second = {}, .steps = {}},
                    {.rate = 0.1, .weight_decay = 0, .eps = 1}, {});
  if (op == "clipped_adamw")
    clipped_adamw({.parameters = {line}, .gradients = {line}, .first = {state}, .second = {state}, .steps = {steps}},
                  {.rate = 0.1, .weight_decay = 0, .eps = 1, .beta1 = 0.5, .beta2 = 0.5}, {});
  if (op == "residual_norm") residual_norm({x, {}}, {{x, {}}}, {.weight_C = line});
  if (op == "residual_sum") residual_sum({x, {}}, {{x, {}}});
  if (op == "lifting_analysis") lifting_analysis(x, {network}, {network}, {.first = {1}, .weights_LK = {}, .inputs = nullptr});
  if (op == "lifting_synthesis") lifting_synthesis(at::zeros({2, 1, 4, 4}), {network});
  if (op == "product_key_lookup")
    product_key_lookup(at::zeros({3, 1, 4}), {at::zeros({1, 4, 2}), at::zeros({1, 4, 2}), at::zeros({16, 4})}, 2);
  if (op == "biased_fwht") biased_fwht(at::zeros({2, 1, 4, 4}), x, at::zeros({2, 4}));
  if (op == "scaled_fwht") scaled_fwht(at::zeros({2, 1, 4, 4}), at::zeros({2}));
  if (op == "running_mean") running_mean(x);
  if (op == "gated_haar") gated_haar(x, at::zeros({1, 1, 3}), {});
  if (op == "random_features") random_features(rows, square, {});
  if (op == "gated_scan") gated_scan(x, x);
  if (op == "linear") linear(x, square, line);
  if (op == "linear_cross_entropy") linear_cross_entropy(square, square, at::zeros({4}, at::kLong));
  if (op == "chunk_state") chunk_state({.q_BLHK = rows, .k_BLGK = rows, .v_BLGV = rows});
  if (op == "gated_norm") gated_norm(rows, line, at::zeros({1, 1, 8}), 1e-5);
  if (op == "rotation") rotation(rows, at::ones({1, 2}), at::zeros({1, 2}), Pairing::half);
  if (op == "weighted_mean") weighted_mean(rows, {});
  if (op == "token_attention") token_attention(rows, rows, rows, 1.0);
}

TEST_CASE("a forced path is taken, also in backward, and everything is counted", "[op_paths]") {
  const at::Tensor x = at::rand({2, 4, 8}, at::kDouble).requires_grad_();
  const OpPaths paths(ForcedPaths{{"fwht", "reference"}});
  fwht(x).sum().backward();
  fwht(x, "loops").sum().backward();  // a path that the caller asks for wins; its derivative is a second call
  causal_filter(x, at::ones({2}, at::kDouble), 1);
  CHECK(texts(paths) == Words{"1 causal_filter reference (Double: the loops take fp32)", "2 fwht loops",
                              "1 fwht reference (forced)"});
}

TEST_CASE("a path that cannot take its input is refused where it is forced", "[op_paths]") {
  const OpPaths paths(ForcedPaths{{"fwht", "loops"}});
  CHECK_THROWS_WITH(fwht(at::zeros({2, 4}, at::kHalf)),
                    "fwht: path = loops: must be auto, reference, loops (CPU, fp32 or fp64) or cuda (CUDA, "
                    "fp32, fp16 or bf16, n <= 32768)");
  CHECK(paths.uses().empty());
}

TEST_CASE("why no kernel could be taken is said", "[op_paths]") {
  const OpPaths paths;
  fwht(at::zeros({2, 4}, at::kBFloat16));
  CHECK(texts(paths) == Words{"1 fwht reference (BFloat16: the loops take fp32 and fp64)"});
}

TEST_CASE("inside another one only the inner counts, and outside nothing is forced", "[op_paths]") {
  const at::Tensor x = at::zeros({4}, at::kDouble);
  const OpPaths outer(ForcedPaths{{"fwht", "reference"}});
  {
    const OpPaths inner;
    fwht(x);
    CHECK(texts(inner) == Words{"1 fwht loops"});
  }
  fwht(x);
  CHECK(texts(outer) == Words{"1 fwht reference (forced)"});
}

TEST_CASE("every path that can be forced is known to its operation", "[op_paths]") {
  const at::Tensor x = at::zeros({1, 4, 4});
  for (const OpInfo& op : known_ops()) {
    for (const std::string& path : op.paths) {
      if (path == "cuda") continue;
      CAPTURE(op.name, path);
      const OpPaths paths(ForcedPaths{{op.name, path}});
      run(op.name, x);
      REQUIRE(paths.uses().size() == 1);
      CHECK(paths.uses()[0].op == op.name);
      CHECK(paths.uses()[0].path == path);
    }
  }
}

}  // namespace op_paths_test
