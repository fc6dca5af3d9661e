// What packing gives, as text and JSON.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/quantisation/agreement.h"
#include "models/quantisation/sizes.h"

namespace subband {

/// One way to pack a net, and what became of it.
struct PackedVariant {
  std::string what;    ///< `mlp`, `all`, `original`
  std::string bits;    ///< `4`; `mixed`
  std::string group;   ///< `row`, `128`; `original`
  std::string method;  ///< `nearest`, `gptq`
  double bytes = 0;
  Agreement measured = {};
  double bpb = 0;
};

/// Sizes by role and in all.
std::string size_text(const NetSize& size);
nlohmann::ordered_json size_json(const NetSize& size);

/// A line a variant; the first one is the dense net, to which the others are compared.
std::string variants_text(const std::vector<PackedVariant>& variants);
nlohmann::ordered_json variants_json(const std::vector<PackedVariant>& variants);

}  // namespace subband
