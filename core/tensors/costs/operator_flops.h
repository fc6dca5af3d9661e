// The arithmetic of LibTorch's operators and of this program's, by what they are given.
#pragma once
#include <ATen/core/ivalue.h>

#include <string_view>

namespace subband {

/// A multiplication and an addition are two.
struct OperatorFlops {
  double products = 0;    ///< matrix products, convolutions, fused attention (its two products, masked or not)
  double transforms = 0;  ///< Fourier at 5 n log2 n, half of it for real input; Walsh-Hadamard at n log2 n
  double pointwise = 0;   ///< one for every value that an addition, a sum or their like reads or writes
};

OperatorFlops operator_flops(std::string_view name, c10::ArrayRef<const c10::IValue> inputs);

}  // namespace subband
