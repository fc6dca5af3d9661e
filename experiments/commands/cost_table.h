// What parts cost, as a table: parameters, forward flops, decoding state.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/part_cost.h"

namespace subband {

struct CostTable {
  PartCosts costs;
  int64_t length = 0;      ///< of the sequence
  int64_t parameters = 0;  ///< of everything; what no part holds stands as norms and gains

  std::string text() const;
  nlohmann::ordered_json json() const;
};

}  // namespace subband
