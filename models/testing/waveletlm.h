// For tests of WaveletLM's nets: recorded answers of the original, and how they
// are matched.
#pragma once
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "core/files.h"
#include "core/tensors/safetensors.h"
#include "core/testing/catch.h"
#include "models/net.h"
#include "models/testing/build.h"
#include "models/wavelet/waveletlm_names.h"
#include "models/wavelet/waveletlm_weights.h"

namespace subband::testing {

/// A recorded case of the original, from the repository or from the shared folder beside it.
inline std::optional<Tensors> recorded_waveletlm(const std::string& name) {
  const char* shared = std::getenv("SUBBAND_SHARED");
  const auto root = program_root();
  for (const auto& folder :
       {root / "models/testdata",
        (shared ? std::filesystem::path(shared) : root / "../shared") / "fixtures/waveletlm"}) {
    const auto file = folder / (name + ".safetensors");
    if (std::filesystem::exists(file)) return read_safetensors(file).tensors;
  }
  WARN("skipped: " << name
                   << ".safetensors is neither in models/testdata nor in ../shared/fixtures/waveletlm");
  return std::nullopt;
}

/// What stands under `prefix`, without it.
inline Tensors below(const Tensors& all, const std::string& prefix) {
  Tensors part;
  for (const auto& [key, tensor] : all)
    if (key.starts_with(prefix)) part.emplace(key.substr(prefix.size()), tensor);
  return part;
}

/// A_best_like of the recorded cases, which init_tiny and train_adagrad share.
inline Settings best_like() {
  return {{"width", integer(16)},
          {"block.levels", integer(3)},
          {"block.dilation.type", config::Node("crawl")},
          {"block.bypass.type", config::Node("running_mean")},
          {"block.bypass.cross_window", config::Node(true)},
          {"block.scale_mixer.type", config::Node("gated")},
          {"block.scale_mixer.low_rank", integer(2)},
          {"block.scale_mixer.routing", config::Node(true)},
          {"block.scale_mixer.widths", numbers({1, 1, 0.5, 0.5})},
          {"block.channel_mixers.mlp.expansion", integer(3)},
          {"block.channel_mixers.product_key_memory.keys", integer(25)},
          {"block.channel_mixers.product_key_memory.top_k", integer(4)},
          {"block.channel_mixers.fast_weight_memory.keys", integer(16)},
          {"block.channel_mixers.fast_weight_memory.top_k", integer(32)},
          {"block.per_layer_embedding", config::Node(true)}};
}

inline Settings with(Settings base, const Settings& changes) {
  base.insert(base.end(), changes.begin(), changes.end());
  return base;
}

/// A net with initial weights from `initializer`.
inline std::shared_ptr<Net> make_net(const Settings& settings, int64_t vocabulary, Initializer initializer,
                                     const std::string& type = "wavelet_lm") {
  const Workshop workshop;
  const NetContext context{.vocabulary = vocabulary, .initializer = &initializer};
  return workshop.slot<Net>(type, settings, context).make(context);
}

/// Weights of the file, then logits and carried state of two calls, loss and every gradient.
inline void check_recorded(Net& net, const Tensors& file) {
  load_waveletlm(net, below(file, "p/"));
  net.eval();
  const at::Tensor ids = file.at("ids"), targets = file.at("targets");
  SequenceState state;
  for (const std::string call : {"1", "2"}) {
    INFO("call " << call);
    state.next_window();
    CHECK(relative_error(net.forward(ids, {.state = &state}), file.at("logits" + call)) < 1e-5);
    const at::Tensor carried = state.layer(0).value("across.summary");
    if (call == "1" && carried.defined()) CHECK(relative_error(carried, file.at("persist1")) < 1e-5);
  }
  const at::Tensor loss = net.loss(ids, targets);
  CHECK(relative_error(loss, file.at("loss1")[0]) < 1e-5);
  loss.backward();
  const auto ours = named_tensors(net);
  const Tensors gradients = below(file, "g/");
  for (const auto& [key, tensor] : ours) {
    INFO(key);
    const auto expected = gradients.find(name_in_waveletlm(key));
    const bool has = tensor.grad().defined();
    REQUIRE((has || expected == gradients.end()));
    if (expected != gradients.end())
      CHECK(relative_error(tensor.grad(), expected->second.view_as(tensor)) < 1e-5);
  }
  for (const auto& [key, gradient] : gradients) CHECK(ours.count(waveletlm_place(key, ours)) == 1);
}

}  // namespace subband::testing
