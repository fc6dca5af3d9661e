#include "models/layers/adopt.h"

#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "models/layers/projection.h"

using namespace subband;

TEST_CASE("an adopted part's tensors bear the owner's names and stay the part's own", "[adopt]") {
  Initializer initializer(plain_generator(1));
  Module owner, part;
  at::Tensor gain = part.add_parameter("gain", initializer.full({2}, 1), {.role = Role::gain});
  part.register_buffer("count", initializer.zeros({1}));
  const auto map = part.register_module(
      "map", std::make_shared<Projection>(initializer, ProjectionPlan{.in = 2, .out = 3}));
  adopt(owner, part);
  CHECK(owner.named_parameters().keys() == std::vector<std::string>{"gain", "map.weight", "map.bias"});
  CHECK(owner.named_buffers().contains("count"));
  CHECK(owner.purposes().at("gain").role == Role::gain);
  owner.to(at::kDouble);  // moves what the part holds
  CHECK(gain.scalar_type() == at::kDouble);
  CHECK(map->dense().is_same(owner.named_parameters()["map.weight"]));
}
