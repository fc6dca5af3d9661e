// Source  WaveletLM (github.com/ramongougis/WaveletLM), configurations of May to July 2026
#include "experiments/interchange/waveletlm/newer_features.h"

#include <array>

namespace subband::waveletlm {

using config::Node;

namespace {

// `settings`: what the names of its other keys begin with, separated by spaces; empty where it has none.
struct Known {
  std::string_view switch_key, off, settings;
};

// Where the names of one feature begin those of another, the longer stands first.
constexpr std::array<Known, 26> kKnown = {{
    {"complex_mixer", "false", "complex_mixer_ complex_gate_"},
    {"wavelet_basis", "real", "complex_"},
    {"wavelet_2d_mode", "off", "wavelet_2d_"},
    {"bbce_enabled", "false", "bbce_ block_size_compressed"},
    {"sequential_blocks", "false", "sequential_"},
    {"cross_layer_dense_skips", "false", "cross_layer_"},
    {"lifting_diaglowrank", "false", "lifting_diaglowrank_"},
    {"lifting_level_sharing", "false", "lifting_level_sharing_"},
    {"lifting_offdiag_density", "0", "lifting_offdiag_mask_"},
    {"lifting_offdiag_structure", "none",
     "lifting_offdiag_ lifting_block_size lifting_band_width lifting_monarch_"},
    {"lifting_import_checkpoint", "", "lifting_import_"},
    {"lifting_freeze", "false", "lifting_freeze_"},
    {"mlp_offdiag_structure", "none", "mlp_offdiag_ mlp_block_size mlp_band_width mlp_pq_ mlp_monarch_"},
    {"sparse_pq_embedding_enabled", "false", "sparse_pq_embedding_"},
    {"sparse_encoder_decoder_embedding", "false", "sparse_encoder_decoder_embedding_"},
    {"mixer_recurrence_distinct_mixer_count", "1", ""},
    {"mixer_recurrence_steps", "1", "mixer_recurrence_"},
    {"mixer_mom_enabled", "false", "mixer_mom_"},
    {"block_moe_enabled", "false", "block_moe_"},
    {"associative_bypass_enabled", "false", "associative_bypass_"},
    {"decompose_bypass_ssm", "false", "decompose_bypass_ssm_"},
    {"decompose_bypass_bptt", "false", "decompose_bypass_bptt_"},
    {"fht_input_cap_enabled", "false", "fht_input_cap_"},
    {"fht_thue_morse_signflips", "false", "fht_thue_morse_"},
    {"disable_residual", "false", ""},
    {"prime_power_wavelet_basis_max", "0", "prime_power_"},
}};

bool is_setting(std::string_view key, std::string_view settings) {
  while (!settings.empty()) {
    const size_t space = settings.find(' ');
    if (key.starts_with(settings.substr(0, space))) return true;
    settings.remove_prefix(space == std::string_view::npos ? settings.size() : space + 1);
  }
  return false;
}

}  // namespace

std::optional<NewerFeature> newer_feature_of(std::string_view key, const Node& config) {
  for (const Known& known : kKnown)
    if (key == known.switch_key) return NewerFeature{std::string(known.switch_key), std::string(known.off)};
  for (const Known& known : kKnown)
    if (is_setting(key, known.settings))
      return NewerFeature{std::string(known.switch_key), std::string(known.off)};
  constexpr std::string_view kEnabled = "enabled";
  for (const config::Entry& entry : config.entries()) {
    const std::string_view name = entry.key;
    if (name.ends_with("_enabled") && key.starts_with(name.substr(0, name.size() - kEnabled.size())))
      return NewerFeature{entry.key, "false"};
  }
  return {};
}

bool is_off(const Node& value, std::string_view off) {
  switch (value.kind()) {
    case Node::Kind::null:
      return true;
    case Node::Kind::boolean:
      return !value.boolean();
    case Node::Kind::integer:
    case Node::Kind::number:
      return value.number() == 0 || config::brief(value) == off ||
             config::brief(value) == std::string(off) + ".0";
    case Node::Kind::string:
      return value.string().empty() || value.string() == "off" || value.string() == "none" ||
             value.string() == off;
    default:
      return value.size() == 0;
  }
}

}  // namespace subband::waveletlm
