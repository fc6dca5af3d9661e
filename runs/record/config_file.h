// config.yaml of a run: the resolved config, every value with where it came from.
#pragma once
#include <string>

#include "core/config/node.h"

namespace subband {

struct RunStart;

/// Two lines of comment that name the run, and YAML that composes to the same values.
std::string config_file_text(const RunStart& start, const config::Node& resolved);

}  // namespace subband
