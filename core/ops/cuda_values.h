// What CUDA kernels read and write; all of them add up in fp32. No LibTorch header and no CUDA header here.
#pragma once

namespace subband::cuda_values {

enum Type { kFloat, kHalf, kBFloat16 };

}  // namespace subband::cuda_values
