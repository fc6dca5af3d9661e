#include "experiments/load_recipe.h"

#include <CLI/CLI.hpp>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/tiny.h"

namespace load_recipe_test {
using namespace subband;

std::filesystem::path tiny_file(const TestFolder& folder) {
  write_file(folder / "small.yaml", config::to_yaml(testing::tiny_config()));
  return folder / "small.yaml";
}

TEST_CASE("a recipe loads from a file, with overrides that say where they stand", "[load_recipe]") {
  const TestFolder folder;
  const Registry registry = testing::tiny_registry();
  const Recipe recipe = load_recipe(registry, {.name = tiny_file(folder).string(),
                                               .overrides = {"net.width=16", "optimizer=adamw", "seed=3"}});
  CHECK(recipe.name == "small");
  CHECK(recipe.seed == 3);
  CHECK(recipe.optimizer.type() == "adamw");
  CHECK(recipe.resolved.at("net.width")->integer() == 16);
  CHECK_THAT(recipe.resolved.at("net.width")->place.text(), Catch::ContainsSubstring("net.width=16"));
}

TEST_CASE("a mistake in a recipe file is reported with file, line and column", "[load_recipe]") {
  const TestFolder folder;
  const Registry registry = testing::tiny_registry();
  const auto file = folder / "broken.yaml";
  write_file(file, "data: tiny\ntokenizer: letters\nnet: {type: tiny, widht: 4}\ntrainer: {steps: 3}\n");
  CHECK_THROWS_WITH(load_recipe(registry, {.name = file.string()}),
                    file.string() +
                        ":3:19: net.widht: unknown key; did you mean 'width'? known: broken_at, carry, "
                        "dropout, type, width");
}

TEST_CASE("where a run of the store is named, its config is the recipe", "[load_recipe]") {
  const TestFolder store;
  const Registry registry = testing::tiny_registry();
  const std::string run = "2026-01-01_small_1a2b3c4d";
  write_file(store / (run + "-s7") / "config.yaml", config::to_yaml(testing::tiny_config()));
  const CommonOptions options{.store = store.path()};
  for (const std::string& name : {std::string("1a2b"), std::string("1a2b3c4d-s7"), run + "-s7"}) {
    const Recipe recipe =
        load_recipe(registry, {.name = name, .overrides = {"net.width=16"}, .options = &options});
    CHECK(recipe.name == "small");
    CHECK(recipe.resolved.at("net.width")->integer() == 16);
  }
  write_file(store / (run + "-s8") / "config.yaml", "");
  CHECK_THROWS_WITH(
      load_recipe(registry, {.name = "1a2b", .options = &options}),
      store.path().string() + ": run = 1a2b: several runs match: " + run + "-s7, " + run + "-s8");
  CHECK_THROWS_WITH(load_recipe(registry, {.name = "ffff", .options = &options}),
                    Catch::StartsWith("ffff: no such recipe"));
}

TEST_CASE("the command line gives name, overrides and folders", "[load_recipe]") {
  const TestFolder here;
  CommandLine line("run", "for tests", "subband run small");
  RecipeRequest request;
  request.add_to(line);
  const std::vector<std::string> words = {"--config-dir", here.path().string(), "small", "a=1", "b=2"};
  CHECK(line.run(words, [] { return 0; }) == 0);
  CHECK(request.name == "small");
  CHECK(request.overrides == std::vector<std::string>{"a=1", "b=2"});
  CHECK(request.folders == std::vector<std::filesystem::path>{here.path()});
}

}  // namespace load_recipe_test
