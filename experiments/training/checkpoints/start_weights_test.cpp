#include "experiments/training/checkpoints/start_weights.h"

#include <ATen/ATen.h>

#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/experiment.h"

namespace start_weights_test {
using namespace subband;
using config::Node;

static Recipe recipe_with(const std::vector<std::pair<std::string, Node>>& changes) {
  Node config = testing::tiny_config();
  for (const auto& [path, value] : changes) config.set_at(path, value);
  return bind_recipe(testing::tiny_parts(), "tiny", config);
}

static void write(const std::filesystem::path& file, int64_t seed) {
  const Recipe recipe = recipe_with({{"seed", Node(seed)}});
  write_checkpoint(file, fresh_checkpoint(recipe, model_tensors(*make_net(recipe))));
}

TEST_CASE("a run of no steps measures the weights that it is given", "[start_weights]") {
  const TestFolder folder;
  write(folder / "a.safetensors", 7);
  const Node from((folder / "a.safetensors").string());
  const Recipe given = recipe_with({{"trainer.steps", Node(int64_t{0})}, {"trainer.weights", from}});
  const Outcome outcome = run_experiment(given, {.cache = folder.path()});
  REQUIRE(outcome.done());
  CHECK(outcome.step == 0);
  CHECK_FALSE(outcome.metrics.contains("train.loss"));
  const auto own = make_net(given);
  load_start_weights(*own, given);
  const auto wanted = make_net(recipe_with({{"seed", Node(int64_t{7})}}));
  const Tensors a = model_tensors(*own), b = model_tensors(*wanted);
  for (const auto& [name, tensor] : b) CHECK(at::equal(a.at(name), tensor));
  CHECK_FALSE(at::equal(model_tensors(*make_net(given)).at("out"), b.at("out")));
}

TEST_CASE("the identity of a run counts what its weights are, not where they lie", "[start_weights]") {
  const TestFolder folder;
  write(folder / "a.safetensors", 7), write(folder / "moved.safetensors", 7), write(folder / "b.safetensors", 8);
  const auto identity = [&](const char* name) {
    return recipe_with({{"trainer.weights", Node((folder / name).string())}}).identity;
  };
  CHECK(identity("a.safetensors") == identity("moved.safetensors"));
  CHECK_FALSE(identity("a.safetensors") == identity("b.safetensors"));
  CHECK_FALSE(identity("a.safetensors") == recipe_with({}).identity);
}

TEST_CASE("weights that are none, or are not this net's, are refused", "[start_weights]") {
  const TestFolder folder;
  CHECK_THROWS_WITH(recipe_with({{"trainer.steps", Node(int64_t{0})}}),
                    Catch::Contains("trainer.steps = 0: must be above 0 where trainer.weights names no checkpoint"));
  const std::string none = (folder / "none.safetensors").string();
  CHECK_THROWS_WITH(recipe_with({{"trainer.weights", Node(none)}}), Catch::StartsWith("trainer.weights = " + none + ": "));
  write(folder / "a.safetensors", 7);
  const std::string file = (folder / "a.safetensors").string();
  const Recipe given = recipe_with({{"trainer.weights", Node(file)}, {"net.width", Node(int64_t{9})}});
  CHECK_THROWS_WITH(load_start_weights(*make_net(given), given), Catch::Contains(file + ": tensor 'model/embedding': expected [27, 9]"));
  const Recipe bound = recipe_with({{"trainer.weights", Node(file)}});
  write(folder / "a.safetensors", 8);
  CHECK_THROWS_WITH(load_start_weights(*make_net(bound), bound), file + ": its weights have changed since the recipe was read");
}

}  // namespace start_weights_test
