#include "experiments/optimizers/parameter_groups.h"

#include <ATen/ATen.h>

#include "core/testing/catch.h"
#include "experiments/schedule.h"
#include "experiments/testing/optimizers.h"
#include "experiments/testing/parts.h"

using namespace subband;
using config::Node;

namespace subband {
void register_experiments_parts(Registry& registry);
}

namespace parameter_groups_test {

std::vector<Parameter> parameters() {
  const auto of = [](const char* name, at::IntArrayRef shape, Role role) {
    return Parameter{name, at::ones(shape, at::kDouble), {.role = role}};
  };
  return {of("embedding.weight", {5, 3}, Role::embedding), of("a.q.weight", {3, 3}, Role::input_projection),
          of("a.q.bias", {3}, Role::bias), of("b.q.weight", {3, 3}, Role::input_projection),
          of("norm.weight", {3}, Role::norm)};
}

Node rates(std::initializer_list<std::pair<const char*, double>> factors) {
  Node map = Node::map();
  for (const auto& [role, factor] : factors) map.set(role, Node(factor));
  return map;
}

const Registry& all_parts() {
  static const Registry registry = [] {
    Registry all;
    register_experiments_parts(all);
    return all;
  }();
  return registry;
}

TEST_CASE("groups are parameters of one role and shape, by name", "[parameter_groups]") {
  const auto groups =
      make_groups(parameters(), {.no_decay = {"bias", "norm"}, .rates = rates({{"bias", 2.0}})});
  REQUIRE(groups.size() == 4);
  CHECK(groups[1].name == "input_projection [3, 3]");
  CHECK(groups[1].members == std::vector<size_t>{1, 3});
  CHECK(groups[1].decays);
  CHECK(groups[1].rate == 1);
  CHECK(groups[2].name == "bias [3]");
  CHECK_FALSE(groups[2].decays);
  CHECK(groups[2].rate == 2);
  CHECK(groups[3].name == "norm [3]");
}

TEST_CASE("what takes the same rate and decay is one part of a step", "[parameter_groups]") {
  const auto groups = make_groups(parameters(), {.no_decay = {"norm"}});
  const std::vector<double> same(groups.size(), 0.5);
  const auto parts = step_parts(groups, same, 0.1);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].weight_decay == 0);
  CHECK(parts[0].members == std::vector<size_t>{4});
  CHECK(parts[1].weight_decay == 0.1);
  CHECK(parts[1].members == std::vector<size_t>{0, 1, 2, 3});
}

TEST_CASE("no optimiser decays what no_decay names, and every group has its own rate", "[parameter_groups]") {
  for (const std::string& name : all_parts().of<Optimizer>().names()) {
    CAPTURE(name);
    const auto parts = parameters();
    const auto optimizer =
        testing::make_part<Optimizer>(all_parts(), name,
                                      {{"weight_decay", Node(0.5)},
                                       {"no_decay", Node::list({Node("bias"), Node("norm")})},
                                       {"rates", rates({{"embedding", 0.0}, {"norm", 3.0}})}},
                                      {parts});
    for (const Parameter& each : parts) each.value.mutable_grad() = at::ones_like(each.value);
    const auto twin = parameters();
    const auto plain =
        testing::make_part<Optimizer>(all_parts(), name, {{"weight_decay", Node(0.0)}}, {twin});
    for (const Parameter& each : twin) each.value.mutable_grad() = at::ones_like(each.value);
    testing::step(*optimizer, 0.1);
    testing::step(*plain, 0.1);
    CHECK(parts[0].value.equal(at::ones({5, 3}, at::kDouble)));  // a rate of 0
    CHECK_FALSE(parts[1].value.allclose(at::ones({3, 3}, at::kDouble)));
    CHECK(parts[1].value.equal(parts[3].value));
    CHECK(parts[2].value.equal(twin[2].value));                     // as without decay
    CHECK((1 - parts[4].value).allclose(3 * (1 - twin[4].value)));  // three times the rate
  }
}

TEST_CASE("schedules give a rate to every group", "[parameter_groups]") {
  const auto schedule = testing::make_part<Schedule>(all_parts(), "constant", {{"warmup", Node(0.0)}},
                                                     {.steps = 4, .peak = 0.5});
  const auto groups = make_groups(parameters(), {.rates = rates({{"embedding", 0.1}})});
  CHECK(schedule->rates(2, groups) == std::vector<double>{0.05, 0.5, 0.5, 0.5});
}

TEST_CASE("unknown roles and factors out of range are refused", "[parameter_groups]") {
  const auto made = [](const testing::Fields& fields) {
    testing::make_part<Optimizer>(all_parts(), "adamw", fields, {});
  };
  std::string known;
  for (const std::string& role : role_names()) known += (known.empty() ? "" : ", ") + role;
  CHECK_THROWS_WITH(made({{"no_decay", Node::list({Node("norms")})}}),
                    "part.no_decay = [\"norms\"]: knows no role 'norms'; known: " + known);
  CHECK_THROWS_WITH(made({{"rates", rates({{"biases", 1.0}})}}),
                    "part.rates = {\"biases\": 1.0}: knows no role 'biases'; known: " + known);
  CHECK_THROWS_WITH(made({{"rates", rates({{"bias", -1.0}})}}),
                    "part.rates = {\"bias\": -1.0}: bias: must be a number from 0 to 1000");
}

}  // namespace parameter_groups_test
