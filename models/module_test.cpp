#include "models/module.h"

#include "core/testing/catch.h"
#include "models/layers/projection.h"
#include "models/testing/build.h"

using namespace subband;

namespace module_test {

TEST_CASE("roles are spelled as in YAML, and each has one name", "[module]") {
  CHECK(name_of(Role::input_projection) == "input_projection");
  CHECK(name_of(Role::memory_value) == "memory_value");
  for (const std::string& name : role_names()) CHECK(name_of(*role_named(name)) == name);
  CHECK_FALSE(role_named("weights").has_value());
}

TEST_CASE("parameters are listed once, in LibTorch's order, each with what it is for", "[module]") {
  Initializer first(plain_generator(1));
  Module root("root");
  const auto inner = root.register_module("inner", std::make_shared<Module>("inner"));
  const ProjectionPlan plan{.purpose = {.role = Role::gate, .scale = 2}, .in = 3, .out = 2};
  const auto map = inner->register_module("map", std::make_shared<Projection>(first, plan));
  const at::Tensor gain = root.add_parameter("gain", first.full({2}, 1), {.role = Role::gain});
  inner->add_parameter("again", gain, {.role = Role::gain});

  const std::vector<Parameter> all = parameters_of(root);
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "gain");
  CHECK(all[0].value.is_same(gain));
  CHECK(all[1].name == "inner.map.weight");
  CHECK(all[1].purpose.role == Role::gate);
  CHECK(all[1].purpose.scale == 2);
  CHECK(all[2].name == "inner.map.bias");
  CHECK(all[2].purpose.role == Role::bias);
}

TEST_CASE("a parameter without a purpose is a mistake of the program", "[module]") {
  torch::nn::Module root;
  root.register_parameter("gain", at::ones({2}));
  CHECK_THROWS_WITH(parameters_of(root), "module: parameter 'gain' was registered without a purpose");
}

}  // namespace module_test
