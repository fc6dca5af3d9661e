#include "models/layers/adopt.h"

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "models/layers/linear.h"

using namespace subband;

TEST_CASE("an adopted part's tensors bear the owner's names and stay the part's own", "[adopt]") {
  Initializer initializer(plain_generator(1));
  torch::nn::Module owner, part;
  at::Tensor gain = part.register_parameter("gain", initializer.full({2}, 1));
  part.register_buffer("count", initializer.zeros({1}));
  const auto map = part.register_module("map", std::make_shared<Linear>(initializer, 2, 3));
  adopt(owner, part);
  CHECK(owner.named_parameters().keys() == std::vector<std::string>{"gain", "map.weight", "map.bias"});
  CHECK(owner.named_buffers().contains("count"));
  owner.to(at::kDouble);  // moves what the part holds
  CHECK(gain.scalar_type() == at::kDouble);
  CHECK(map->weight.is_same(owner.named_parameters()["map.weight"]));
}
