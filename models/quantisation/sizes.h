// What a net's weights weigh, packed and as they were, told by role.
#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/ops/products/packed_form.h"

namespace subband {

enum class Accounting {
  honest,  ///< the bytes that the file holds, buffers on both sides
  original  ///< WaveletLM's report: a byte a value whatever its bits, 4 for a scale; buffers on the packed side alone
};

struct RoleSize {
  std::string role;  ///< `buffers` of what is not learned
  int64_t tensors = 0, values = 0;
  std::set<int> bits;  ///< that its values have; 32: left alone
  double dense_bytes = 0, bytes = 0;
};

struct NetSize {
  std::vector<RoleSize> roles;  ///< in the order of role.h; those that the net has
  double dense_bytes = 0, bytes = 0;
};

/// `forms`: by the names of the parameters that are packed. Nothing of the net need be packed, or allocated.
NetSize net_size(const torch::nn::Module& net, const PackedForms& forms, Accounting accounting);

}  // namespace subband
