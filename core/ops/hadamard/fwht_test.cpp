#include "core/ops/hadamard/fwht.h"

#include <torch/torch.h>

#include <bit>
#include <iostream>

#include "core/error.h"
#include "core/tensors/device.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/fast_path.h"

using namespace subband;

namespace fwht_test {

static at::Tensor random(at::IntArrayRef shape, at::ScalarType type) {
  return at::empty(shape, type).normal_(0, 1, stream(1, "fwht_test"));
}

// The definition: H[i][j] = (-1)^(bits that i and j share), in double.
static at::Tensor by_definition(const at::Tensor& x_RN) {
  const int64_t rows = x_RN.size(0), n = x_RN.size(1);
  at::Tensor y_RN = at::zeros({rows, n}, at::kDouble);
  const auto x = x_RN.accessor<double, 2>();
  auto y = y_RN.accessor<double, 2>();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j)
        y[row][i] += (std::popcount(static_cast<uint64_t>(i & j)) % 2 ? -1 : 1) * x[row][j];
      y[row][i] /= std::sqrt(static_cast<double>(n));
    }
  }
  return y_RN;
}

}  // namespace fwht_test

using namespace fwht_test;

TEST_CASE("every path of the Walsh-Hadamard transform is the definition", "[fwht]") {
  for (const int64_t n : {1, 2, 4, 8, 16, 32, 64, 128, 512}) {
    CAPTURE(n);
    const at::Tensor x = random({3, n}, at::kDouble), wanted = by_definition(x);
    for (const char* path : {"reference", "loops"}) {
      CAPTURE(path);
      CHECK(at::allclose(fwht(x, path), wanted, 0, 1e-13));
      CHECK(at::allclose(fwht(x.to(at::kFloat), path).to(at::kDouble), wanted, 0, 2e-6));
    }
    CHECK(at::allclose(fwht(x.to(at::kBFloat16)).to(at::kDouble), wanted, 0.02, 0.05));
  }
}

TEST_CASE("the Walsh-Hadamard transform is its own inverse, and keeps lengths", "[fwht]") {
  const at::Tensor x = random({4, 5, 32}, at::kDouble);
  CHECK(at::allclose(fwht(fwht(x)), x, 0, 1e-14));
  CHECK(at::allclose(fwht(x).norm(), x.norm()));
}

TEST_CASE("rows that are not contiguous, one row and no row are transformed alike", "[fwht]") {
  const at::Tensor x = random({16, 7, 3}, at::kDouble).permute({2, 1, 0});
  CHECK(at::equal(fwht(x), fwht(x.contiguous())));
  CHECK(fwht(x).sizes() == x.sizes());
  CHECK(at::equal(fwht(x[1][2]), fwht(x)[1][2]));
  CHECK(fwht(at::zeros({0, 8})).sizes() == at::IntArrayRef({0, 8}));
}

TEST_CASE("the loops of the transform are as exact as the reference, on inputs of every kind", "[fwht]") {
  const testing::PathOp op = [](const std::vector<at::Tensor>& in, std::string_view path) { return fwht(in[0], path); };
  for (const int64_t n : {1, 8, 64}) testing::check_fast_path(op, {random({5, n}, at::kDouble)});
  testing::check_second_derivatives(op, {random({2, 8}, at::kDouble)});
  testing::check_no_rows(op, {random({0, 8}, at::kDouble)});
}

TEST_CASE("the gradient of the transform is the transform of the gradient, twice too", "[fwht]") {
  for (const char* path : {"reference", "loops"}) {
    CAPTURE(path);
    const at::Tensor x = random({2, 3, 8}, at::kDouble).requires_grad_(),
                     c = random({2, 3, 8}, at::kDouble) + 1;
    const at::Tensor y = fwht(x, path);
    const at::Tensor gradient = torch::autograd::grad({(y * y * c).sum()}, {x}, {}, true, true)[0];
    CHECK(at::allclose(gradient, fwht(2 * c * y), 0, 1e-12));
    const at::Tensor second = torch::autograd::grad({(gradient * c).sum()}, {x})[0];
    CHECK(at::allclose(second, fwht(2 * c * fwht(c)), 0, 1e-12));
  }
}

TEST_CASE("fwht refuses lengths that are not a power of two, and what has no path", "[fwht]") {
  CHECK_THROWS_WITH(fwht(at::zeros({2, 12})), "fwht: last axis of x: expected a power of two, got 12");
  CHECK_THROWS_WITH(fwht(at::zeros({2, 0})), "fwht: last axis of x: expected a power of two, got 0");
  CHECK_THROWS_WITH(fwht(at::zeros({})), "fwht: x: expected at least one axis, got none");
  CHECK_THROWS_WITH(fwht(at::zeros({4}, at::kLong)), "fwht: x: expected a floating dtype, got Long");
  CHECK_THROWS_WITH(
      fwht(at::zeros({4}), "cuda"),
      "fwht: path = cuda: must be auto, reference, loops (CPU, fp32 or fp64) or cuda (CUDA, fp32, fp16 "
      "or bf16, n <= 32768)");
}

TEST_CASE("the path that is taken can be asked for", "[fwht]") {
  CHECK(fwht_path(at::zeros({4})) == "loops");
  CHECK(fwht_path(at::zeros({4}, at::kHalf)) == "reference");
}

TEST_CASE("the CUDA kernel is the reference", "[fwht][cuda]") {
  if (const std::string problem = cuda_problem(); !problem.empty()) {
    std::cout << "skipped: the CUDA kernel is the reference: " << problem << "\n";
    return;
  }
  for (const int64_t n : {1, 2, 64, 2048, 4096, 32768}) {
    const at::Tensor x = random({5, n}, at::kFloat);
    CHECK(at::allclose(fwht(x.cuda(), "cuda").cpu(), fwht_paths::reference(x), 0, 1e-5));
  }
}
