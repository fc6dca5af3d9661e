// Positions that need no table: sines and cosines of rates that fall from 1 to 1/10000.
//   angle_i = p 10000^(-2i/D), i < D/2
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace subband {

/// One row per position, computed in fp32. `interleaved`: sin and cos take turns (Vaswani et al. 2017, 3.5);
/// `halves`: all sines, then all cosines (Transformer-XL). ShapeError for an odd width or another layout.
/// Shapes  positions [P] floating -> [P,D]
at::Tensor sinusoids(const at::Tensor& positions_P, int64_t width, std::string_view layout);

}  // namespace subband
