#include "core/testing/operator_counter.h"

#include <torch/torch.h>

#include <cmath>

#include "core/ops/hadamard/fwht.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("matrix products count two operations for every multiplication, however they are called",
          "[operator_counter]") {
  const at::Tensor a = at::randn({3, 4}), b = at::randn({4, 5});
  const OperatorCounter counter;
  at::mm(a, b);
  CHECK(counter.products() == 2 * 3 * 4 * 5);
  at::addmm(at::zeros({5}), a, b);
  at::matmul(a, b.select(1, 0));
  CHECK(counter.products() == 2 * 2 * 3 * 4 * 5 + 2 * 3 * 4);
  const OperatorCounter linear;
  at::linear(at::randn({2, 7, 4}), at::randn({5, 4}), at::randn({5}));
  at::linear(at::randn({2, 7, 4}), at::randn({5, 4}));
  CHECK(linear.products() == 2 * (2 * 2 * 7 * 4 * 5));
  const OperatorCounter batched;
  at::einsum("bij,bjk->bik", {at::randn({2, 3, 4}), at::randn({2, 4, 6})});
  at::baddbmm(at::zeros({2, 3, 6}), at::randn({2, 3, 4}), at::randn({2, 4, 6}));
  CHECK(batched.products() == 2 * (2 * 2 * 3 * 4 * 6));
}

TEST_CASE("convolutions count every tap of every result, in groups, strided and turned round",
          "[operator_counter]") {
  const at::Tensor x = at::randn({2, 6, 20});
  const OperatorCounter counter;
  const at::Tensor y = at::conv1d(x, at::randn({9, 2, 5}), {}, {2}, {1}, {1}, 3);
  REQUIRE(y.sizes() == at::IntArrayRef({2, 9, 9}));
  CHECK(counter.products() == 2 * (2 * 9 * 9) * (2 * 5));
  const OperatorCounter back;
  at::conv_transpose1d(x, at::randn({6, 2, 5}), {}, {2}, {0}, {0}, 3);
  CHECK(back.products() == 2 * (2 * 6 * 20) * (2 * 5));
}

TEST_CASE("fused attention counts its two products", "[operator_counter]") {
  const at::Tensor q = at::randn({2, 3, 16, 8}), k = at::randn({2, 3, 24, 8});
  const OperatorCounter counter;
  at::scaled_dot_product_attention(q, k, k);
  CHECK(counter.products() == 2 * 2 * (2 * 3 * 16 * 24 * 8));
}

TEST_CASE("transforms count n log n", "[operator_counter]") {
  const OperatorCounter counter;
  at::fft_fft(at::randn({3, 16}, at::kComplexFloat));
  CHECK(counter.transforms() == 5 * 3 * 16 * 4);
  fwht(at::randn({3, 16}));
  CHECK(counter.transforms() == 5 * 3 * 16 * 4 + 3 * 16 * 4);
  CHECK(counter.products() == 0);
}

TEST_CASE("pointwise arithmetic counts the values of the broadcast shape, and nothing else counts",
          "[operator_counter]") {
  const at::Tensor a = at::randn({3, 1}), b = at::randn({4});
  const OperatorCounter counter;
  const at::Tensor c = a + b;
  CHECK(counter.pointwise() == 12);
  at::gelu(c).softmax(1).transpose(0, 1).contiguous();
  CHECK(counter.pointwise() == 12);
  CHECK(counter.products() + counter.transforms() == 0);
}

TEST_CASE("a counter counts from its making to its end, inside of another one too", "[operator_counter]") {
  const at::Tensor a = at::randn({2, 2});
  at::mm(a, a);
  const OperatorCounter outer;
  at::mm(a, a);
  {
    const OperatorCounter inner;
    at::mm(a, a);
    CHECK(inner.products() == 16);
  }
  at::mm(a, a);
  CHECK(outer.products() == 48);
}
