// What a pass reads of a net's weights, and multiplies with them.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "models/layers/weight_matrix.h"
#include "models/net.h"

namespace subband {

/// How often the matrices of a net are multiplied with in one pass over so many tokens, and with how many vectors in all.
struct MatrixUses {
  std::map<std::string, int64_t> times, vectors;

  MatrixUses(Net& net, int64_t tokens);
  double flops(const Net& net) const;
};

/// As it is kept, packed or dense.
double bytes_of(const WeightMatrix& matrix);

}  // namespace subband
