#include "models/initializer.h"

#include <torch/torch.h>

#include "core/tensors/random.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("the initialiser draws what PyTorch's own layers draw after the same seed", "[initializer]") {
  torch::manual_seed(1337);
  torch::nn::Linear linear(7, 5);
  torch::nn::Embedding embedding(11, 3);

  Initializer draw(plain_generator(1337));
  const double bound = 1.0 / std::sqrt(7.0);
  CHECK(at::equal(draw.uniform({5, 7}, -bound, bound), linear->weight));
  CHECK(at::equal(draw.uniform({5}, -bound, bound), linear->bias));
  CHECK(at::equal(draw.normal({11, 3}, 0, 1), embedding->weight));
}

TEST_CASE("a large normal draw follows PyTorch's vectorised order too", "[initializer]") {
  torch::manual_seed(7);
  const at::Tensor theirs = torch::empty({40, 17}).normal_(0, 0.02);
  CHECK(at::equal(Initializer(plain_generator(7)).normal({40, 17}, 0, 0.02), theirs));
}

TEST_CASE("a parameter that wants a gradient can be redrawn in place", "[initializer]") {
  at::Tensor weight = torch::zeros({3, 3}).requires_grad_();
  Initializer(plain_generator(1)).normal_(weight, 0, 1);
  CHECK(weight.is_leaf());
  CHECK(weight.detach().abs().sum().item<float>() > 0);
}

TEST_CASE("the meta form has shapes and no memory, and draws nothing", "[initializer]") {
  Initializer meta = Initializer::meta();
  const at::Tensor huge = meta.normal({1 << 20, 1 << 20}, 0, 1);
  CHECK(huge.is_meta());
  CHECK(huge.numel() == int64_t{1} << 40);
  CHECK(meta.is_meta());
  CHECK(meta.eye(3, 4).sizes() == at::IntArrayRef({3, 4}));
}
