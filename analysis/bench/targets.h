// What a bench is to reach: figures of its run beside limits, met or missed.
#pragma once
#include <string>
#include <vector>

#include "analysis/report.h"

namespace subband {

/// The fact of a report that holds its figures: an object of numbers, such as `eager/subband`, PyTorch's time over ours.
inline constexpr const char* kFigures = "figures";

struct BenchTarget {
  std::string figures;    ///< a figure's name; `*` stands for any letters
  bool is_least = true;   ///< the figure must not be below the limit; else not above it
  double limit = 0;
};

/// `eager/subband>=2.2`, `* at 131072/65536<=2.1`. ConfigError for words without such a sign and a number behind it.
BenchTarget read_target(const std::string& text);

/// Adds a table with a row for every figure that a target is for, met or missed, and one for a target without any, not
/// measured; and the same as the fact `targets`. Nothing without targets.
void judge(Report& report, const std::vector<BenchTarget>& targets);

}  // namespace subband
