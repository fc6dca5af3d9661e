// The whole number for which a size that grows with it comes nearest to a wanted one: the width with which a net has as
// many parameters as another net.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>

namespace subband {

struct SizeMatch {
  int64_t value = 0;
  double size = 0;
};

/// The size for a number; nothing where the number is not allowed, as a width that the heads do not divide.
using SizeOf = std::function<std::optional<double>(int64_t value)>;

/// Looks among the multiples of the divisors of `start`, of the largest first, since what divides a number in use divides
/// what may take its place. Ends at the first that is within `within`, a fraction, of `target`; else gives the nearest
/// that it met. Nothing where it met none that is allowed.
std::optional<SizeMatch> match_size(int64_t start, double target, double within, const SizeOf& size_of);

}  // namespace subband
