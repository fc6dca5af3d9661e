// config.yaml of a run: the resolved config, every value with where it came from.
#pragma once
#include <string>

#include "core/config/node.h"

namespace subband {

struct RunStart;

/// YAML that reads back to the same values. Each line of a value ends with its origin as a comment
/// (`width: 64          # tinyshakespeare/wavelet.yaml:5:10`); values that nobody wrote say `default`.
std::string yaml_with_origins(const config::Node& node);

/// The same under two lines of comment that name the run.
std::string config_file_text(const RunStart& start, const config::Node& resolved);

}  // namespace subband
