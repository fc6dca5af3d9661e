// The leaves of a run's config as one text that the index keeps, so that thousands of runs are compared without parsing.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runs/record/record_line.h"

namespace subband {

/// `net.width=8`, one leaf after the other by its path, each ended by a byte that stands in no leaf; empty for what is no map.
std::string settings_text(const RecordJson& config);
/// The leaves of such a text, as parts of it.
std::vector<std::string_view> settings_in(std::string_view text);
/// Of `net.width=8` what is before the sign, and what behind it.
std::string_view setting_path(std::string_view setting);
std::string_view setting_value(std::string_view setting);

}  // namespace subband
