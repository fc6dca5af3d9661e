// What every fast path of an operation owes to its reference.
#pragma once
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "core/tensors/kept_memory.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"

namespace subband::testing {

/// An operation on tensors, on the path of that name.
using PathOp = std::function<at::Tensor(const std::vector<at::Tensor>& inputs, std::string_view path)>;

/// The result and the gradients of all floating inputs, of the sum of the result times fixed numbers.
inline std::vector<at::Tensor> values_and_gradients(const PathOp& op, const std::vector<at::Tensor>& inputs,
                                                    at::ScalarType type, std::string_view path) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : inputs)
    leaves.push_back(input.is_floating_point() ? input.to(type).detach().clone().requires_grad_() : input);
  const at::Tensor y = op(leaves, path);
  const at::Tensor factors = at::empty(y.sizes(), at::kDouble).normal_(0, 1, stream(7, "factors"));
  (y * factors.to(y.scalar_type())).sum().backward();
  std::vector<at::Tensor> all = {y.detach()};
  for (const at::Tensor& leaf : leaves)
    if (leaf.is_floating_point()) all.push_back(leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf));
  return all;
}

inline double mean_error(const at::Tensor& given, const at::Tensor& exact) {
  return (given.to(at::kDouble) - exact).square().mean().sqrt().item<double>();
}

/// In poisoned memory the loops give the same bits twice, and their error against the reference in fp64 is at most twice
/// that of the reference in fp32 or of a rounding: of each tensor of 64 values or more, where chance has evened out, and
/// of all of them together, each in units of its own size.
inline void check_fast_path(const PathOp& op, const std::vector<at::Tensor>& inputs) {
  const auto exact = values_and_gradients(op, inputs, at::kDouble, "reference");
  const auto plain = values_and_gradients(op, inputs, at::kFloat, "reference");
  const PoisonedMemory poison;
  const auto fast = values_and_gradients(op, inputs, at::kFloat, "loops");
  const auto again = values_and_gradients(op, inputs, at::kFloat, "loops");
  REQUIRE(fast.size() == exact.size());
  double of_fast = 0, of_plain = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    CAPTURE(i);
    REQUIRE(fast[i].sizes() == exact[i].sizes());
    CHECK(fast[i].equal(again[i]));
    const double size = std::max(1e-30, exact[i].square().mean().sqrt().item<double>());
    const double error = mean_error(fast[i], exact[i]) / size;
    const double allowed = std::max(6e-8, mean_error(plain[i], exact[i]) / size);
    of_fast += error, of_plain += allowed;
    if (exact[i].numel() >= 64) CHECK(error <= 2 * allowed);
  }
  CHECK(of_fast <= 2 * of_plain);
}

/// Gradients that are differentiated again are the reference's.
inline void check_second_derivatives(const PathOp& op, const std::vector<at::Tensor>& inputs) {
  std::vector<std::vector<at::Tensor>> found;
  for (const char* path : {"reference", "loops"}) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& input : inputs)
      leaves.push_back(input.is_floating_point() ? input.to(at::kFloat).detach().clone().requires_grad_()
                                                 : input);
    const at::Tensor y = op(leaves, path);
    const at::Tensor slope = torch::autograd::grad({y.square().sum()}, {leaves[0]}, {}, true, true)[0];
    slope.square().sum().backward();
    found.emplace_back();
    for (const at::Tensor& leaf : leaves)
      if (leaf.is_floating_point() && leaf.grad().defined()) found.back().push_back(leaf.grad());
  }
  REQUIRE(found[0].size() == found[1].size());
  for (size_t i = 0; i < found[0].size(); ++i) CHECK(at::allclose(found[0][i], found[1][i], 1e-3, 1e-3));
}

}  // namespace subband::testing
