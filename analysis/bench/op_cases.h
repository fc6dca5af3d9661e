// What `bench ops` runs: every operation with loops, on inputs of a usual size.
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

struct OpCase {
  std::string op;    ///< as in known_ops()
  std::string form;  ///< shapes, for people
  std::vector<at::Tensor> inputs;
  std::function<at::Tensor(const std::vector<at::Tensor>& inputs, std::string_view path)> run;
  bool has_gradient = true;
  std::string fast = "loops";  ///< the path
};

struct OpSizes {
  int64_t batch = 8, length = 256, width = 64;
  uint64_t seed = 1337;
};

/// All of them, in the order of known_ops().
std::vector<OpCase> op_cases(const OpSizes& sizes);

}  // namespace subband
