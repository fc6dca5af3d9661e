// What a published recipe cost those who published it, so that nobody starts on two cores what took days elsewhere.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/config/binder.h"

namespace subband {

/// `price:` of a recipe.
struct Price {
  std::optional<int64_t> steps;
  std::optional<double> hours, memory_gib;
  std::optional<std::string> device;

  void bind(Binder& b);
};

/// `292,285 steps, 16.25 h, 17.8 GiB on one GPU`; empty where a resolved recipe says no price.
std::string price_text(const config::Node& resolved);
/// Steps of the published run; nothing where they are not known.
std::optional<int64_t> price_steps(const config::Node& resolved);

}  // namespace subband
