#include "core/languages/numbers.h"

#include <fmt/format.h>

#include <cmath>

namespace subband {

static std::string unsigned_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return "inf";
  constexpr double kLongest = 1e12;
  return value < kLongest ? fmt::format("{:.4f}", value) : fmt::format("{:.4e}", value);
}

std::string decimal_text(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "−inf";
  return (std::signbit(value) && !std::isnan(value) ? "-" : "") + unsigned_text(std::abs(value));
}

std::string signed_text(double value) {
  return (std::isnan(value) ? "" : value < 0 ? "−" : "+") + unsigned_text(std::abs(value));
}

std::string mib_text(double mib) {
  constexpr double kLongest = 1e12;
  const bool is_plain = std::abs(mib) < kLongest;
  return (is_plain ? fmt::format("{:.0f}", mib) : decimal_text(mib)) + " MiB";
}

}  // namespace subband
