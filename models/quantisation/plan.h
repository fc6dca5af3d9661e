// How many bits each tier of a net gets, and over what its scales go.
#pragma once
#include <cstdint>
#include <map>
#include <optional>

#include "core/ops/products/packed_form.h"
#include "models/layers/weight_matrix.h"
#include "models/quantiser_tier.h"

namespace subband {

struct QuantisationPlan {
  std::map<QuantiserTier, int> bits;  ///< 8, 4, 3, 2; a tier that is not there is left alone
  std::optional<int64_t>
      group;  ///< as PackedForm's; nothing: the original's, a row, of an embedding table the whole of it
  bool symmetric = true;

  /// 8 bits coarse, 4 mid, 2 fine, 4 mlp, 8 embedding; lifting is left alone.
  static QuantisationPlan original();
  /// Every tier with so many bits.
  static QuantisationPlan uniform(int bits);
  /// Nothing where a matrix with this purpose is left alone.
  std::optional<PackedForm> form(const Purpose& purpose, int64_t rows, int64_t columns) const;
};

/// The forms of all matrices of a net that the plan packs.
PackedForms planned_forms(const torch::nn::Module& net, const QuantisationPlan& plan);

}  // namespace subband
