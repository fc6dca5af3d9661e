// Recipes over a text of their own, whose runs take a tenth of a second: for tests of whole sweeps.
#pragma once
#include <filesystem>
#include <string>

#include "core/files.h"

namespace subband::testing {

namespace small_recipe {

inline constexpr const char* kWavelet =
    "{type: wavelet_lm, width: 16, layers: 2, block: {levels: 5, lifting: learned, dilation: {type: crawl, taps: 3}, "
    "bypass: running_mean, channel_mixers: {mlp: {expansion: 4}}}}";
inline constexpr const char* kAttention =
    "{type: decoder_lm, width: 16, layers: 1, mixer: {type: softmax_attention, heads: 2, rope: half}, positions: none, "
    "channel_mixers: {mlp: {expansion: 4}}}";

}  // namespace small_recipe

/// Writes `small.txt` and `small.yaml` into a folder; the recipe's path.
inline std::string write_small_recipe(const std::filesystem::path& folder, const std::string& net) {
  const std::string text = (folder / "small.txt").string(), recipe = (folder / "small.yaml").string();
  std::string letters;
  for (unsigned i = 0, state = 1; i < 20000; ++i) {
    state = state * 1664525u + 1013904223u;
    letters += static_cast<char>(i % 6 == 5 ? ' ' : 'a' + (i * i + (state >> 29)) % 13);
  }
  write_file(text, letters);
  write_file(recipe, "data:\n  type: text\n  name: small\n  splits:\n    train: {files: ['" + text +
                         "'], to: 0.8}\n    valid: {files: ['" + text + "'], from: 0.8, to: 0.9}\n    test: {files: ['" +
                         text + "'], from: 0.9}\ntokenizer: bytes\nnet: " + net +
                         "\noptimizer: {type: adagrad, lr: 0.02}\nschedule: {type: cosine, warmup: 0.1}\n"
                         "trainer: {steps: 12, batch: 2, length: 64, checkpoint_every: 3, evaluate_batches: 1,\n"
                         "  evaluate_tokens: 1024, protocols: [blocks]}\nsamples: {tokens: 0}\nseed: 1\n");
  return recipe;
}

}  // namespace subband::testing
