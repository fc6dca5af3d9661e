// Tasks in tests: parts of the tiny registry, rows of batches as vectors.
#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "experiments/task.h"
#include "experiments/testing/parts.h"
#include "experiments/testing/tiny.h"

namespace subband::testing {

/// The values of an int64 tensor.
inline std::vector<int64_t> values(const at::Tensor& x) {
  const at::Tensor flat = x.contiguous();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

}  // namespace subband::testing
