#include "models/wavelet/waveletlm_weights.h"

#include "core/testing/catch.h"
#include "models/testing/waveletlm.h"

using namespace subband;

namespace waveletlm_weights_test {

using testing::integer;
using testing::Settings;
using Node = config::Node;

std::shared_ptr<Net> make_net(const Settings& settings, int64_t vocabulary) {
  return testing::make_net(settings, vocabulary, Initializer(plain_generator(1337)));
}

TEST_CASE(
    "the original's names of an untied way back repeat its second set, those of several bases each basis",
    "[waveletlm_weights]") {
  const auto names = [](const std::string& lifting) {
    return waveletlm_names(named_tensors(*make_net({{"width", integer(4)},
                                                    {"layers", integer(2)},
                                                    {"share_lifting", Node(false)},
                                                    {"block.levels", integer(1)},
                                                    {"block.lifting.type", Node(lifting)},
                                                    {"block.lifting.untied_reconstruction", Node(true)}},
                                                   5)));
  };
  const std::string way_back = "layers.1.lifting_reconstruct.", second = "blocks.1.reconstruction.";
  CHECK(names("learned").at(way_back + "decompose.update_nets.0.3.bias") == second + "update.0.last.bias");
  const auto several = names("multi_basis");
  CHECK(several.at(way_back + "multi_basis.basis_weights") == second + "weights");
  CHECK(several.count(way_back + "decompose.basis_weights") == 0);
  const std::string inner = "update_nets.0.0.weight", basis = second + "bases.1.update.0.first.weight";
  CHECK(several.at(way_back + "multi_basis.wavelets.1." + inner) == basis);
  CHECK(several.at(way_back + "reconstructs.1.decompose." + inner) == basis);
}

TEST_CASE("weights that do not fit are refused in one go, and nothing is copied", "[waveletlm_weights]") {
  const auto net = make_net({{"width", integer(4)}, {"layers", integer(1)}, {"block.levels", integer(1)}}, 5);
  auto tensors = values_for_waveletlm(named_tensors(*net));
  tensors.erase("final_ln.bias");
  tensors["final_ln.weight"] = at::ones({3});
  tensors["layers.0.ln1.bias"] = at::ones({4}, at::kLong);
  tensors["layers.0.pkm.values.weight"] = at::ones({1});
  const std::string repeated = "layers.0.lifting_reconstruct.decompose.update_nets.0.0.bias";
  tensors[repeated] = at::full({4}, 9.0);
  CHECK_THROWS_WITH(load_waveletlm(*net, tensors),
                    "weights: final_ln.weight: expected [4], got [3]\n"
                    "weights: layers.0.lifting_wavelet.update_nets.0.0.bias: differs from "
                    "layers.0.lifting_reconstruct.decompose.update_nets.0.0.bias, which should repeat it\n"
                    "weights: layers.0.ln1.bias: expected floating point, got Long\n"
                    "weights: layers.0.pkm.values.weight: no such tensor in this net\n"
                    "weights: final_ln.bias: missing");
}

TEST_CASE("wrappers' prefixes are dropped, and two names that become one are refused",
          "[waveletlm_weights]") {
  const auto net = make_net({{"width", integer(4)}, {"layers", integer(1)}, {"block.levels", integer(1)}}, 5);
  const auto ours = named_tensors(*net);
  std::map<std::string, at::Tensor> wrapped;
  for (const auto& [name, tensor] : ours) wrapped["module._orig_mod." + name_in_waveletlm(name)] = tensor;
  CHECK(values_from_waveletlm(ours, wrapped, "F").size() == ours.size());
  wrapped["model.final_ln.bias"] = ours.at("norm.bias");
  wrapped.erase("module._orig_mod.final_ln.weight");
  CHECK_THROWS_WITH(
      values_from_waveletlm(ours, wrapped, "F", "--config names the net"),
      "F: tensor 'module._orig_mod.final_ln.bias': is final_ln.bias without its prefixes, and so is "
      "'model.final_ln.bias'; two names that become one\n"
      "F: final_ln.weight: missing\n"
      "F: --config names the net");
}

}  // namespace waveletlm_weights_test
