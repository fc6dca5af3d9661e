// How the next point of a search is chosen.
#pragma once
#include <optional>
#include <span>

#include "core/draws.h"
#include "core/registry.h"
#include "sweeps/search/space.h"

namespace subband {

struct SamplerContext {};

class Sampler {
 public:
  static constexpr const char* kKind = "sampler";
  using Context = SamplerContext;
  virtual ~Sampler() = default;
  /// Point number `trials.size()`, given what is known of those before it; nothing where there is none left. Depends on
  /// its arguments alone: the same trials and draws give the same point.
  virtual std::optional<SearchPoint> draw(const SearchSpace& space, std::span<const SearchTrial> trials,
                                          Draws& draws) const = 0;
};
using SamplerRegistry = KindRegistry<Sampler>;

/// A value of an axis, each as likely as the others; of a logarithmic one each ratio.
double uniform_value(const SearchAxis& axis, Draws& draws);

}  // namespace subband
