#include <map>
#include <nlohmann/json.hpp>

#include "core/testing/catch.h"
#include "experiments/interchange/waveletlm/config.h"
#include "experiments/interchange/waveletlm/flat_config.h"

namespace flat_keys_test {
using namespace subband;
using Json = nlohmann::ordered_json;

// The keys that the original demands; every other one has a default.
const std::string kRequired =
    R"("seed": 1, "epochs": 2, "micro_batch_size": 4, "block_size": 64, "eval_interval": 50, "C": 16, )"
    R"("layers": 2, "levels": 3, "lr": 0.01, "min_lr": 0.001)";

// Another legal value than the standard one.
Json another_value(const waveletlm::FlatKey& row, const Json& present) {
  using enum waveletlm::FlatType;
  static const std::map<std::string, Json> words = {{"dataset", "pg19"},
                                                    {"tokenizer", "sentencepiece-pg19-32k"},
                                                    {"optimizer", "AdamW"},
                                                    {"amp_dtype", "bf16"},
                                                    {"wavelet_mode", "haar"},
                                                    {"lifting_init", "zero"},
                                                    {"mixer_transform", "dht"},
                                                    {"mixer_gate_activation", "relu"},
                                                    {"multinodal_combination", "sum"},
                                                    {"generation_prompt", "Once"},
                                                    {"multi_basis_inits", {"zero", "zero"}},
                                                    {"per_scale_mixer_widths", {1, 1, 1, 0.5}},
                                                    {"multinodal_seeds", {1, 2}}};
  if (const auto word = words.find(row.key); word != words.end()) return word->second;
  if (row.type == boolean) return !present.get<bool>();
  return present.get<double>() + (row.type == integer ? 1 : 0.125);
}

std::string recipe_text(const Json& flat) {
  config::Warnings warnings;
  return config::to_json(waveletlm::recipe_of_flat_config(flat.dump(), "C.json", warnings));
}

// Whether the key changes the recipe beside one of the settings that some keys need to have an effect.
bool has_effect(const waveletlm::FlatKey& row) {
  const char* const settings[] = {"{}",
                                  R"({"use_amp": false})",
                                  R"({"lifting_linear_only": false})",
                                  R"({"multi_basis_lifting": true, "shared_lifting_weights": false})",
                                  R"({"wavelet_crawl": true})",
                                  R"({"mixer_depth": 2})",
                                  R"({"pkm_enabled": true, "fwpkm_enabled": true})",
                                  R"({"looped_blocks": true})",
                                  R"({"multinodal_enabled": true})"};
  for (const char* setting : settings) {
    auto flat = Json::parse("{" + kRequired + "}");
    flat.update(Json::parse(setting));
    const std::string before = recipe_text(flat);
    const bool has_standard = row.standard != nullptr && *row.standard != '\0';
    if (!flat.contains(row.key))
      flat[row.key] = has_standard ? Json::parse(row.standard, nullptr, /*allow_exceptions=*/false) : Json(0);
    flat[row.key] = another_value(row, flat[row.key]);
    try {
      if (recipe_text(flat) != before) return true;
    } catch (const ConfigError&) {  // not beside this setting
    }
  }
  return false;
}

TEST_CASE("every key that the original reads changes the recipe, but for quantisation after training",
          "[flat_keys]") {
  for (const waveletlm::FlatKey& row : waveletlm::flat_keys()) {
    INFO(row.key);
    const bool quantizes = std::string(row.key).starts_with("quantize_");
    if (row.remark == nullptr) CHECK(has_effect(row) == !quantizes);
  }
}

}  // namespace flat_keys_test
