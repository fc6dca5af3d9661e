// What every fast path of an operation owes to its reference.
#pragma once
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensors/kept_memory.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"

namespace subband::testing {

/// An operation on tensors, on the path of that name.
using PathOp = std::function<at::Tensor(const std::vector<at::Tensor>& inputs, std::string_view path)>;

/// How an input lies in memory: `strided` with a value that is none of it between any two.
enum class Layout { dense, strided };

inline at::Tensor laid_out(const at::Tensor& x, Layout layout) {
  if (layout == Layout::dense) return x.detach().clone();
  std::vector<int64_t> shape = x.sizes().vec();
  shape.push_back(2);
  const at::Tensor gaps = at::full(shape, x.is_floating_point() ? std::nan("") : 1e6, x.options());
  gaps.select(-1, 0).copy_(x);
  return gaps.select(-1, 0).detach();
}

inline at::Tensor leaf_of(const at::Tensor& x, at::ScalarType type, Layout layout) {
  return x.is_floating_point() ? laid_out(x.to(type), layout).requires_grad_() : laid_out(x, layout);
}

/// The result and the gradients of all floating inputs, of the sum of the result times fixed numbers.
inline std::vector<at::Tensor> values_and_gradients(const PathOp& op, const std::vector<at::Tensor>& inputs,
                                                    at::ScalarType type, std::string_view path,
                                                    Layout layout = Layout::dense) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : inputs) leaves.push_back(leaf_of(input, type, layout));
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

/// The error of `fast` against `exact` is at most twice that of `plain` or of a rounding: of each tensor of 64 values or
/// more, where chance has evened out, and of all of them together, each in units of its own size.
inline void check_errors(const std::vector<at::Tensor>& fast, const std::vector<at::Tensor>& exact,
                         const std::vector<at::Tensor>& plain) {
  REQUIRE(fast.size() == exact.size());
  double of_fast = 0, of_plain = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    CAPTURE(i);
    REQUIRE(fast[i].sizes() == exact[i].sizes());
    const double size = std::max(1e-30, exact[i].square().mean().sqrt().item<double>());
    const double error = mean_error(fast[i], exact[i]) / size;
    const double allowed = std::max(6e-8, mean_error(plain[i], exact[i]) / size);
    of_fast += error, of_plain += allowed;
    if (exact[i].numel() >= 64) CHECK(error <= 2 * allowed);
  }
  CHECK(of_fast <= 2 * of_plain);
}

/// With one value of each floating input that is not a number the loops give such values where the reference does, and
/// gradients with some where its are. Of inputs that the reference also multiplies with zeros that nobody asked for
/// (`padded`) the loops give some of its values.
inline void check_not_numbers(const PathOp& op, const std::vector<at::Tensor>& inputs,
                              const std::vector<size_t>& padded = {}) {
  for (size_t input = 0; input < inputs.size(); ++input) {
    if (!inputs[input].is_floating_point() || inputs[input].numel() == 0) continue;
    std::vector<at::Tensor> broken = inputs;
    broken[input] = inputs[input].clone();
    broken[input].view(-1)[inputs[input].numel() / 2].fill_(std::nan(""));
    const auto plain = values_and_gradients(op, broken, at::kFloat, "reference");
    const auto fast = values_and_gradients(op, broken, at::kFloat, "loops");
    CAPTURE(input);
    const at::Tensor lost = fast[0].isnan(), lost_by_reference = plain[0].isnan();
    if (std::find(padded.begin(), padded.end(), input) == padded.end())
      CHECK(lost.equal(lost_by_reference));
    else
      CHECK(lost.logical_and(lost_by_reference).equal(lost));
    for (size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      CHECK(fast[i].isnan().any().item<bool>() == plain[i].isnan().any().item<bool>());
    }
  }
}

/// In poisoned memory the loops give the same bits twice, and are as exact as the reference in fp32 (check_errors), also
/// on inputs that are not contiguous; and what is not a number stays so.
inline void check_fast_path(const PathOp& op, const std::vector<at::Tensor>& inputs,
                            const std::vector<size_t>& padded = {}) {
  const auto exact = values_and_gradients(op, inputs, at::kDouble, "reference");
  const auto plain = values_and_gradients(op, inputs, at::kFloat, "reference");
  {
    const PoisonedMemory poison;
    const auto fast = values_and_gradients(op, inputs, at::kFloat, "loops");
    const auto again = values_and_gradients(op, inputs, at::kFloat, "loops");
    for (size_t i = 0; i < fast.size(); ++i) CHECK(fast[i].equal(again[i]));
    check_errors(fast, exact, plain);
    check_errors(values_and_gradients(op, inputs, at::kFloat, "loops", Layout::strided), exact, plain);
  }
  check_not_numbers(op, inputs, padded);
}

/// Without rows the loops give what the reference gives, to the bit.
inline void check_no_rows(const PathOp& op, const std::vector<at::Tensor>& inputs) {
  const auto plain = values_and_gradients(op, inputs, at::kFloat, "reference");
  const PoisonedMemory poison;
  const auto fast = values_and_gradients(op, inputs, at::kFloat, "loops");
  for (size_t i = 0; i < plain.size(); ++i) {
    CAPTURE(i);
    REQUIRE(fast[i].sizes() == plain[i].sizes());
    CHECK(at::allclose(fast[i], plain[i], 0, 0, true));
  }
}

/// What an input is that has the shape of an earlier one: itself, that one, or half of it.
enum class Shared { none, same, made };

// The gradients of all floating inputs, and those of the sum of their squares.
inline std::vector<at::Tensor> second_derivatives(const PathOp& op, const std::vector<at::Tensor>& inputs,
                                                  std::string_view path, Layout layout, Shared shared) {
  std::vector<at::Tensor> leaves, given;
  for (const at::Tensor& input : inputs) {
    const auto same = std::find_if(given.begin(), given.end(), [&](const at::Tensor& earlier) {
      return earlier.is_floating_point() && input.is_floating_point() && earlier.sizes() == input.sizes();
    });
    if (shared == Shared::none || same == given.end()) {
      given.push_back(leaf_of(input, at::kFloat, layout));
      if (input.is_floating_point()) leaves.push_back(given.back());
    } else {
      const at::Tensor earlier = *same;
      given.push_back(shared == Shared::same ? earlier : earlier * 0.5);
    }
  }
  const at::Tensor y = op(given, path);
  std::vector<at::Tensor> found = torch::autograd::grad({y.square().sum()}, leaves, {}, true, true, true);
  at::Tensor sum = at::zeros({});
  for (at::Tensor& slope : found)
    if (slope.defined()) sum = sum + slope.square().sum(), slope = slope.detach();
  sum.backward();
  for (const at::Tensor& leaf : leaves) found.push_back(leaf.grad());
  return found;
}

/// Gradients that are differentiated again are the reference's, also of inputs that are not contiguous, are one tensor,
/// or are made of each other.
inline void check_second_derivatives(const PathOp& op, const std::vector<at::Tensor>& inputs) {
  for (const auto& [layout, shared] : {std::pair{Layout::dense, Shared::none}, {Layout::strided, Shared::none},
                                       {Layout::dense, Shared::same}, {Layout::dense, Shared::made}}) {
    CAPTURE(layout == Layout::strided, static_cast<int>(shared));
    const auto plain = second_derivatives(op, inputs, "reference", layout, shared);
    const auto fast = second_derivatives(op, inputs, "loops", layout, shared);
    for (size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      REQUIRE(fast[i].defined() == plain[i].defined());
      if (!plain[i].defined()) continue;
      const double size = std::max(1.0, plain[i].abs().max().item<double>());
      CHECK((fast[i] - plain[i]).abs().max().item<double>() <= 1e-3 * size);
    }
  }
}

}  // namespace subband::testing
