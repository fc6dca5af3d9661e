// Features that WaveletLM has gained since the model of May 2026 and that there is nothing for here: which key turns each
// of them on, and which keys are only its settings.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/config/node.h"

namespace subband::waveletlm {

struct NewerFeature {
  std::string switch_key;  ///< `bbce_enabled`
  std::string off;         ///< its value where the feature is off, as a person reads it: `false`, `none`, `1`
};

/// The feature that `key` turns on or sets; nothing for any other key. Keys of `config` that end in `_enabled` are switches
/// of features that the table does not know.
std::optional<NewerFeature> newer_feature_of(std::string_view key, const config::Node& config);

/// Whether a value is that of `off`, or a plain no: null, false, 0, empty, `off`, `none`.
bool is_off(const config::Node& value, std::string_view off = "false");

}  // namespace subband::waveletlm
