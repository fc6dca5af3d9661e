// Every registered mixer as the contract tries it: with its defaults, in each form that it has, and with options.
#pragma once
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/build.h"

namespace subband::testing {

struct MixerCase {
  std::string name;
  bool causal = true;
  Settings fields = {};

  std::string text() const {
    std::string all = name + (causal ? ", causal" : "");
    for (const auto& [key, value] : fields) all += ", " + key + "=" + config::brief(value);
    return all;
  }
  /// Eight channels, made for 64 tokens, in evaluation mode.
  std::shared_ptr<Mixer> made(Initializer first) const {
    const MixerContext context{.width = 8, .length = 64, .causal = causal, .initializer = &first};
    const auto mixer = Workshop().slot<Mixer>(name, fields, context).make(context);
    mixer->eval();
    return mixer;
  }
};

// What the defaults leave off; every mixer is tried with its defaults besides.
inline std::vector<MixerCase> other_mixer_cases() {
  const auto word = [](const char* text) { return config::Node(text); };
  return {
      {"softmax_attention", true, {{"kv_heads", integer(2)}, {"rope", word("half")}, {"scale", number(0.4)}}},
      {"flash_attention", true, {{"kv_heads", integer(1)}, {"rope", word("interleaved")}}},
      {"linear_attention",
       true,
       {{"feature_map", word("relu")}, {"chunk", integer(4)}, {"kv_heads", integer(2)}}},
      {"performer", true, {{"chunk", integer(4)}, {"features", integer(5)}, {"value_width", integer(3)}}},
      {"performer",
       true,
       {{"kernel", word("generalized")}, {"features", integer(5)}, {"rope", word("half")}}},
      {"performer", true, {{"kernel", word("unprojected")}}},
      {"performer", false, {{"kernel", word("unprojected")}, {"kv_heads", integer(2)}}},
      {"linformer",
       false,
       {{"slots", integer(5)},
        {"share_kv", config::Node(true)},
        {"projection_per_head", config::Node(true)}}},
      {"linformer_block_causal",
       true,
       {{"block", integer(4)}, {"slots", integer(2)}, {"kv_heads", integer(2)}}},
      {"nystromformer", false, {{"landmarks", integer(4)}, {"conv_kernel", integer(3)}}},
      {"waveformer", false, {{"wavelet", word("orthogonal")}, {"taps", integer(4)}, {"levels", integer(2)}}},
      {"waveformer", false, {{"wavelet", word("lifting")}, {"levels", integer(3)}}},
      {"waveformer", false, {{"wavelet", word("adaptive_lifting")}, {"taps", integer(4)}}},
      // Two heads: a layer norm over the two channels of one of four is all but a sign, and magnifies rounding.
      {"wersa",
       true,
       {{"heads", integer(2)}, {"gates", word("convolution")}, {"gate_kernel", integer(5)}, {"levels", integer(3)}}},
      {"wersa",
       true,
       {{"feature_map", word("favor_positive")}, {"features", integer(9)}, {"chunk", integer(4)}}},
      {"wersa",
       false,
       {{"gates", word("token")}, {"kv_heads", integer(2)}, {"feature_map", word("relu_separate")}}},
      {"retnet", true, {{"convolution", integer(4)}, {"kv_heads", integer(2)}, {"chunk", integer(4)}}},
      {"retnet", true, {{"form", word("recurrent")}, {"decay", word("linspace")}, {"norm", word("layer")}}},
      {"transformer_xl",
       true,
       {{"memory", integer(64)}, {"clamp_length", integer(4)}, {"bias", config::Node(true)}}},
      {"wavelet", true, {{"bypass", word("ema")}, {"dilation", word("crawl")}, {"transform", word("dct")}}},
  };
}

/// The mixer that alone is to be tried: $SUBBAND_CHECK, which `subband check-part` sets; empty: every one.
inline std::string only_mixer() {
  const char* name = std::getenv("SUBBAND_CHECK");
  return name != nullptr ? name : "";
}

/// Every registered mixer, or the one that alone is to be tried.
inline std::vector<std::string> mixer_names() {
  Registry registry;
  register_models_parts(registry);
  std::vector<std::string> names = registry.of<Mixer>().names();
  if (!only_mixer().empty()) std::erase_if(names, [](const std::string& name) { return name != only_mixer(); });
  return names;
}

/// A mixer that has no form at all, or is refused for another reason than `causal`, is a mistake.
inline std::vector<MixerCase> mixer_cases() {
  std::vector<MixerCase> all = other_mixer_cases();
  if (!only_mixer().empty()) all.clear();
  for (const std::string& name : mixer_names()) {
    const size_t before = all.size();
    for (const bool causal : {true, false}) {
      const MixerCase each{name, causal};
      try {
        each.made(Initializer::meta());
        all.push_back(each);
      } catch (const ConfigError& error) {
        INFO(name);
        CHECK_THAT(error.what(), Catch::ContainsSubstring("causal"));
      }
    }
    INFO(name);
    CHECK(all.size() > before);
  }
  return all;
}

}  // namespace subband::testing
