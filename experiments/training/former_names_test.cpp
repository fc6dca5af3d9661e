#include "experiments/training/former_names.h"

#include <ATen/ATen.h>

#include "core/testing/catch.h"
#include "models/module.h"

using namespace subband;

namespace former_names_test {

TEST_CASE("optimiser state that was numbered is named by its parameter, the rest stays", "[former_names]") {
  Module net;
  const auto inner = net.register_module("inner", std::make_shared<Module>("inner"));
  inner->add_parameter("gain", at::ones({2}), {.role = Role::gain});
  net.add_parameter("bias", at::ones({3}), {.role = Role::bias});
  const at::Tensor some = at::ones({1});
  const Tensors read = with_present_names({{"model/bias", some},
                                           {"model/inner.gain", some},
                                           {"optimizer/sum.0", some},
                                           {"optimizer/sum.1", some},
                                           {"optimizer/sum.2", some},
                                           {"state/average_loss", some}},
                                          net);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : read) names.push_back(name);
  CHECK(names == std::vector<std::string>{"model/bias", "model/inner.gain", "optimizer/sum.2",
                                          "optimizer/sum.bias", "optimizer/sum.inner.gain",
                                          "state/average_loss"});
}

}  // namespace former_names_test
