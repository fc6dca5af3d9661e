// How large a spec may be. Far above any spec that a person writes, and low enough that the worst that fits is composed
// or refused within a second and 200 MB.
#pragma once
#include <cstddef>

namespace subband::config {

constexpr size_t kMostFileBytes = size_t{2} << 20;
constexpr size_t kMostWordBytes = size_t{128} << 10;  ///< of one override: what Linux lets a program be given
constexpr size_t kMostValues = 100'000;               ///< of a file, of a composition, of a sweep of one key
constexpr size_t kMostKeys = 2'000;                   ///< of one map: keys are searched one after the other
constexpr size_t kMostLevels = 200;      ///< of nesting in one file or word, and parts of one path
constexpr size_t kMostDefaults = 2'000;  ///< entries of all defaults lists together, each time they are read
constexpr size_t kMostSteps = 200'000;   ///< of looking interpolations up
constexpr size_t kMostText = size_t{16} << 20;  ///< bytes of all text that interpolations make
/// Of interpolations that lead on from one another, and of what they nest in: what the stack holds.
constexpr size_t kMostDepth = 500;

}  // namespace subband::config
