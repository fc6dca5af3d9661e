#include "experiments/training/checkpoints/start_overrides.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "core/config/yaml.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/start_weights.h"
#include "experiments/training/experiment.h"

namespace start_overrides_test {
using namespace subband;
using config::Node;

TEST_CASE("net and tokeniser are those of the weights, and their fields may be changed", "[start_weights]") {
  const TestFolder folder;
  const Recipe earlier = bind_recipe(testing::tiny_parts(), "earlier", testing::tiny_config());
  const auto file = folder / "o'brien ${x}" / "earlier.safetensors";  // what means something elsewhere is a name here
  write_checkpoint(file, fresh_checkpoint(earlier, model_tensors(*make_net(earlier))));
  Node other = testing::tiny_config();
  other.set_at("net.width", Node(int64_t{16}));
  write_file(folder / "other.yaml", config::to_yaml(other));
  const Registry registry = testing::tiny_registry();
  RecipeRequest request{.name = (folder / "other.yaml").string(), .overrides = {"net.dropout=0.25"}};
  auto all = start_overrides(registry, request, file);
  all.insert(all.end(), request.overrides.begin(), request.overrides.end());
  const Recipe recipe = load_recipe(registry, {.name = request.name, .overrides = all});
  CHECK(*recipe.resolved.at("net.width") == *earlier.resolved.at("net.width"));
  CHECK(recipe.resolved.at("net.dropout")->number() == 0.25);
  CHECK(recipe.trainer.weights == file.string());
  CHECK_NOTHROW(load_start_weights(*make_net(recipe), recipe));
  request.overrides = {"net=tiny"};
  CHECK_THROWS_WITH(start_overrides(registry, request, file),
                    "command line: net=tiny: --from takes the net of the checkpoint; its fields may be changed, "
                    "net.FIELD=VALUE");
}

}  // namespace start_overrides_test
