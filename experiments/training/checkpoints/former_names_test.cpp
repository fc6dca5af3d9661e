#include "experiments/training/checkpoints/former_names.h"

#include <ATen/ATen.h>

#include "core/files.h"
#include "core/testing/catch.h"
#include "experiments/parts.h"
#include "experiments/training/trainer.h"
#include "models/testing/build.h"

using namespace subband;

namespace former_names_test {

Checkpoint stored(const std::string& which, int step) {
  return read_checkpoint(program_root() / "experiments/testdata/former_names" /
                         (which + "_" + std::to_string(step) + ".safetensors"));
}

// What Adagrad moved for a reason: an entry whose gradient is 0 but for rounding moves as far as any other, by chance.
static at::Tensor moved(const Tensors& state, const std::string& name, const at::Tensor& weights) {
  const auto sum = state.find("sum." + name);
  return sum == state.end() ? weights : weights * sum->second.gt(1e-14);
}

// Two checkpoints of one run, written while the parts of WaveletLM bore the original's names and optimisers numbered
// their state: what step 3 says leads to what step 6 says only if every tensor finds its place.
TEST_CASE("checkpoints of before go on where they stood", "[former_names]") {
  const std::string which = GENERATE("wavelet_lm", "decoder_lm");
  Registry registry;
  register_parts(registry);
  const Checkpoint begin = stored(which, 3), end = stored(which, 6);
  const Recipe recipe = bind_recipe(registry, begin.recipe, begin.config);
  const auto net = make_net(recipe);
  const auto task = make_task(recipe);
  const auto opened = task->open(task_use(recipe, at::kCPU, {}));
  Trainer trainer(recipe, *net, *opened, {.steps = 6});
  trainer.load(begin);
  while (trainer.steps_done() < 6) trainer.step();
  Checkpoint reached;
  trainer.save(reached);
  Tensors wanted = optimizer_state(end.tensors, *net);
  for (const auto& [name, tensor] : optimizer_state(reached.tensors, *net)) {
    CAPTURE(name);
    REQUIRE(wanted.contains(name));
    CHECK(testing::relative_error(tensor, wanted.at(name)) < 1e-4);
  }
  for (const auto& [name, tensor] : reached.tensors) {
    if (!name.starts_with("model/")) continue;
    CAPTURE(name);
    REQUIRE(end.tensors.contains(name));
    const std::string parameter = name.substr(std::string("model/").size());
    CHECK(testing::relative_error(moved(wanted, parameter, tensor), moved(wanted, parameter, end.tensors.at(name))) < 1e-5);
  }
}

TEST_CASE("optimiser state under names stays under them", "[former_names]") {
  Module net;
  net.add_parameter("bias", at::ones({3}), {.role = Role::bias});
  const at::Tensor some = at::ones({1});
  const Tensors state = optimizer_state({{"model/bias", some},
                                         {"optimizer/sum.bias", some},
                                         {"optimizer/step.0", some},
                                         {"optimizer/sum.1", some}},
                                        net);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  CHECK(names == std::vector<std::string>{"step.bias", "sum.1", "sum.bias"});
}

}  // namespace former_names_test
