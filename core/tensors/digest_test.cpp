#include "core/tensors/digest.h"

#include <torch/torch.h>

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("the digest sees names, dtypes, shapes and single bits", "[digest]") {
  const at::Tensor x = at::arange(6, at::kFloat);
  const std::string base = digest(Tensors{{"x", x}});
  CHECK(base.size() == 64);
  CHECK(digest(Tensors{{"x", x.clone()}}) == base);
  CHECK(digest(Tensors{{"y", x}}) != base);
  CHECK(digest(Tensors{{"x", x.view({2, 3})}}) != base);
  CHECK(digest(Tensors{{"x", x.view(at::kInt)}}) != base);
  at::Tensor edited = x.clone();
  edited.view(at::kInt)[5].bitwise_xor_(1);
  CHECK(digest(Tensors{{"x", edited}}) != base);
  CHECK(digest(at::zeros({1})) != digest(-at::zeros({1})));
}

TEST_CASE("the digest does not see strides", "[digest]") {
  const at::Tensor x = at::arange(6, at::kDouble).view({2, 3});
  CHECK(digest(x.t().contiguous().t()) == digest(x));
  CHECK(digest(x.t()) != digest(x));
}

TEST_CASE("no bytes can move between a name and its neighbour", "[digest]") {
  const at::Tensor none = at::zeros({0});
  CHECK(digest(Tensors{{"a", none}, {"b", none}}) != digest(Tensors{{"a", none}}));
  CHECK(digest(Tensors{{"ab", none}}) != digest(Tensors{{"a", none}}));
}
