#include "core/ops/sequence/causal_filter.h"

#include <torch/torch.h>

#include <iostream>

#include "core/error.h"
#include "core/tensors/device.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/fast_path.h"

using namespace subband;

namespace causal_filter_test {

static at::Tensor random(at::IntArrayRef shape, at::ScalarType type, const char* name) {
  return at::empty(shape, type).normal_(0, 1, stream(1, name));
}

// y[b,t,c] = sum_k w[k] x[b, t - first - k, c], in double.
static at::Tensor by_definition(const at::Tensor& x_BLC, const at::Tensor& weights_K, int64_t first) {
  at::Tensor y_BLC = at::zeros_like(x_BLC);
  const auto x = x_BLC.accessor<double, 3>();
  const auto w = weights_K.accessor<double, 1>();
  auto y = y_BLC.accessor<double, 3>();
  for (int64_t b = 0; b < x.size(0); ++b) {
    for (int64_t t = 0; t < x.size(1); ++t) {
      for (int64_t c = 0; c < x.size(2); ++c) {
        for (int64_t k = 0; k < w.size(0) && t - first - k >= 0; ++k)
          y[b][t][c] += w[k] * x[b][t - first - k][c];
      }
    }
  }
  return y_BLC;
}

struct Case {
  int64_t length, channels, taps, first;
};
static const Case kCases[] = {{1, 1, 1, 0},  {7, 5, 3, 1},   {23, 17, 3, 7},
                              {9, 16, 5, 6}, {5, 33, 3, 12}, {64, 64, 33, 1}};

}  // namespace causal_filter_test

using namespace causal_filter_test;

TEST_CASE("every path of the causal filter is the definition", "[causal_filter]") {
  for (const Case& each : kCases) {
    CAPTURE(each.length, each.channels, each.taps, each.first);
    const at::Tensor x = random({3, each.length, each.channels}, at::kDouble, "x");
    const at::Tensor w = random({each.taps}, at::kDouble, "w"), wanted = by_definition(x, w, each.first);
    CHECK(at::allclose(causal_filter(x, w, each.first, "reference"), wanted, 0, 1e-13));
    const at::Tensor fast = causal_filter(x.to(at::kFloat), w.to(at::kFloat), each.first, "loops");
    CHECK(at::allclose(fast.to(at::kDouble), wanted, 0, 1e-5));
  }
}

TEST_CASE("the loops of the causal filter have the reference's gradients", "[causal_filter]") {
  for (const Case& each : kCases) {
    CAPTURE(each.length, each.channels, each.taps, each.first);
    const at::Tensor x = random({2, each.length, each.channels}, at::kFloat, "x");
    const at::Tensor w = random({each.taps}, at::kFloat, "w"), c = random(x.sizes(), at::kDouble, "c");
    std::vector<at::Tensor> gradients;
    for (const char* path : {"reference", "loops"}) {
      const bool exact = std::string(path) == "reference";  // in double
      const at::Tensor x_leaf = x.to(exact ? at::kDouble : at::kFloat).detach().clone().requires_grad_();
      const at::Tensor w_leaf = w.to(x_leaf.scalar_type()).detach().clone().requires_grad_();
      (causal_filter(x_leaf, w_leaf, each.first, path).to(at::kDouble) * c).sum().backward();
      gradients.push_back(x_leaf.grad().to(at::kDouble));
      gradients.push_back(w_leaf.grad().to(at::kDouble));
    }
    CHECK(at::allclose(gradients[2], gradients[0], 1e-5, 1e-5));
    CHECK(at::allclose(gradients[3], gradients[1], 1e-5, 1e-4));
  }
}

TEST_CASE("the loops of the causal filter can be differentiated twice", "[causal_filter]") {
  const at::Tensor x = random({1, 9, 3}, at::kFloat, "x").requires_grad_();
  const at::Tensor w = random({3}, at::kFloat, "w").requires_grad_();
  std::vector<at::Tensor> seconds;
  for (const char* path : {"reference", "loops"}) {
    const at::Tensor y = causal_filter(x, w, 2, path);
    const at::Tensor slope = torch::autograd::grad({(y * y).sum()}, {x}, {}, true, true)[0];
    seconds.push_back(torch::autograd::grad({(slope * slope).sum()}, {w})[0]);
  }
  CHECK(at::allclose(seconds[1], seconds[0], 1e-5, 1e-5));
}

TEST_CASE("the loops of the causal filter are as exact as the reference, on inputs of every kind", "[causal_filter]") {
  const testing::PathOp op = [](const std::vector<at::Tensor>& in, std::string_view path) {
    return causal_filter(in[0], in[1], 1, path);
  };
  const at::Tensor w = random({3}, at::kDouble, "w");
  testing::check_fast_path(op, {random({2, 33, 17}, at::kDouble, "x"), w}, {1});
  testing::check_second_derivatives(op, {random({2, 9, 3}, at::kDouble, "x"), w});
  testing::check_no_rows(op, {random({0, 9, 3}, at::kDouble, "x"), w});
  testing::check_no_rows(op, {random({2, 0, 3}, at::kDouble, "x"), w});
}

TEST_CASE("the causal filter refuses what it cannot take, and names it", "[causal_filter]") {
  const at::Tensor x = at::zeros({1, 4, 2}), w = at::ones({3});
  CHECK_THROWS_WITH(causal_filter(x, at::ones({0}), 1), "causal_filter: weights: expected one at least, got none");
  CHECK(causal_filter(x, w.to(at::kDouble), 1).equal(causal_filter(x, w, 1, "reference")));
  CHECK_THROWS_WITH(causal_filter(x, w.to(at::kDouble), 1, "loops"),
                    "causal_filter: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32, fp16 "
                    "or bf16)");
  CHECK_THROWS_WITH(causal_filter(x[0], w, 1), "causal_filter: x: expected [*, *, *], got [4, 2]");
  CHECK_THROWS_WITH(causal_filter(x, w, -1),
                    "causal_filter: first = -1: must be 0 or more; the future is unseen");
  CHECK_THROWS_WITH(causal_filter(x.to(at::kDouble), w.to(at::kDouble), 1, "loops"),
                    "causal_filter: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32, "
                    "fp16 or bf16)");
}

TEST_CASE("the CUDA kernels of the causal filter are the reference, forward and backward", "[causal_filter][cuda]") {
  if (const std::string problem = cuda_problem(); !problem.empty()) {
    std::cout << "skipped: the CUDA kernels of the causal filter are the reference: " << problem << "\n";
    return;
  }
  for (const Case& each : kCases) {
    CAPTURE(each.length, each.channels, each.taps, each.first);
    const at::Tensor x = random({3, each.length, each.channels}, at::kFloat, "x");
    const at::Tensor w = random({each.taps}, at::kFloat, "w"), c = random(x.sizes(), at::kFloat, "c");
    std::vector<at::Tensor> found;
    for (const char* path : {"reference", "cuda"}) {
      const at::Tensor x_leaf = x.cuda().requires_grad_(), w_leaf = w.cuda().requires_grad_();
      const at::Tensor y = causal_filter(x_leaf, w_leaf, each.first, path);
      (y * c.cuda()).sum().backward();
      for (const at::Tensor& one : {y.detach(), x_leaf.grad(), w_leaf.grad()}) found.push_back(one.cpu());
    }
    for (size_t i = 0; i < 3; ++i) CHECK(at::allclose(found[i + 3], found[i], 1e-5, 1e-4));
  }
}
