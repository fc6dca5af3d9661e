// What a Hugging Face folder of a decoder and our `decoder_lm` have in common: the few numbers that say which net it is.
// `config.json` and a spec's `net` are two spellings of it.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "models/layers/positions/rope_scaling.h"

namespace subband::huggingface {

enum class Family { gpt2, llama, qwen2 };

/// `gpt2`, `llama`, `qwen2`
const char* family_name(Family family);

struct Decoder {
  Family family = Family::gpt2;
  int64_t vocabulary = 0, length = 0, width = 0, layers = 0;
  int64_t heads = 0, kv_heads = 0, head_width = 0;
  int64_t hidden = 0;               ///< F, of the feed-forward net
  std::string activation = "gelu";  ///< our name of it
  double epsilon = 1e-5;            ///< of the norms
  bool tied = true;
  bool attention_bias = true;  ///< llama: of all four maps
  bool feed_forward_bias = true;
  bool scales_scores = true;     ///< gpt2: by 1 / sqrt(head width)
  bool scales_by_layer = false;  ///< gpt2: scores of layer i, from 0, over i + 1
  double rope_base = 10000;
  RopeScaling rope;
  double deviation = 0.02;  ///< of initial weights
  double dropout = 0;
  std::string label;  ///< of the channel mixer among our blocks' parts
};

/// Reads a `config.json`. What it leaves out without changing a result is said in `remarks`.
/// ConfigError that names every key that is missing, of the wrong type, or says what we have no net for.
Decoder decoder_of_json(const nlohmann::ordered_json& json, const std::string& file,
                        std::vector<std::string>& remarks);
/// The `config.json` of it, with the rotary base in the old and the new spelling. `dtype`: as in PyTorch, `float32`.
nlohmann::ordered_json json_of_decoder(const Decoder& decoder, const std::string& dtype);

/// The `net` of a recipe that is this decoder.
config::Node net_of_decoder(const Decoder& decoder);
/// The decoder that a resolved `net` is. ConfigError that lists what no GPT-2, Llama or Qwen2 has.
Decoder decoder_of_net(const config::Node& net, int64_t vocabulary, int64_t length);

}  // namespace subband::huggingface
