#include "analysis/bench/measure_generation.h"

#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace measure_generation_test {
using namespace subband;

static Recipe generation_recipe(const std::vector<std::string>& more) {
  static const Registry registry = [] {
    Registry all;
    register_parts(all);
    return all;
  }();
  std::vector<std::string> overrides = {"net.width=32", "net.layers=1", "trainer.length=16"};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return load_recipe(registry, {.name = "tinyshakespeare/wavelet", .overrides = overrides});
}

TEST_CASE("text is timed from a state, with few bits, with its window and behind a prompt, beside what the machine allows",
          "[bench]") {
  const Recipe recipe = generation_recipe({"net.block.levels=2"});
  const Report report = measure_generation(recipe, {.rounds = 2, .prompt = 40}, [](const std::string&) {});
  const Table& table = *tables_of(report).at(0);
  std::vector<std::string> names;
  for (const auto& row : table.rows) {
    names.push_back(row[0].text);
    CHECK(row[2].value.get<double>() > 0);
    CHECK(row[4].value.get<double>() > 0);
  }
  CHECK(names == std::vector<std::string>{"8 bits", "4 bits", "fp32", "window of 16 again", "a prompt of 40"});
  CHECK(table.rows[2][3].value.get<double>() == 1);
}

TEST_CASE("a task that writes no text has none to be timed", "[bench]") {
  static const Registry registry = [] {
    Registry all;
    register_parts(all);
    return all;
  }();
  const Recipe recipe = load_recipe(registry, {.name = "mqar/attention"});
  CHECK_THROWS_WITH(measure_generation(recipe, {}, [](const std::string&) {}), "task mqar: writes no text to be timed");
}

}  // namespace measure_generation_test
