// A tree out of yaml-cpp's events. Internal to core/config.
#pragma once
#include <string>
#include <string_view>

#include "core/config/node.h"
#include "core/config/yaml.h"

namespace subband::config {

/// The value of a text that passed `check_yaml_text`; `labels`: as read_yaml says of keys. ConfigError for what YAML or a
/// spec does not allow, YAML::Exception for what yaml-cpp cannot read.
Node yaml_tree(std::string_view text, const std::string& source, Warnings* warnings, bool labels);

}  // namespace subband::config
