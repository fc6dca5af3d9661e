// The levels of a learned lifting, up and down, each way one operation. No CUDA header here.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace subband {

/// N(x) = W3 GELU(W0 x + b0) + b3, with GELU as in gelu_network.h.
struct LiftingNetwork {
  at::Tensor first_HC, first_bias_H, last_CH, last_bias_C;
};

/// What a level sees of the past: past(c)[t] = sum_k w[k] c[t - first - k]; zero before the start.
struct LiftingPast {
  std::vector<int64_t> first;  ///< of every level, 1 or more
  at::Tensor weights_LK;       ///< [levels, K]; undefined: K = 1 and a weight of 1
  std::vector<at::Tensor>* inputs =
      nullptr;  ///< gets c_0, c_1, ... of every level [B,L,C], outside of the graph
};

/// d_l = (past_l(c_l) - P_l(c_l)) / sqrt2,  c_{l+1} = (c_l + U_l(d_l)) / sqrt2,  c_0 = h, level 0 the finest.
/// Shapes  h [B,L,C] -> z [S,B,L,C], S = levels + 1: the approximation, then the details from the coarsest
/// `path`  `auto`, or one of `reference`, `loops` by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when h has another form, or the forced path cannot take it
at::Tensor lifting_analysis(const at::Tensor& h_BLC, const std::vector<LiftingNetwork>& predict,
                            const std::vector<LiftingNetwork>& update, const LiftingPast& past,
                            std::string_view path = "auto");

/// The way back: c_l = sqrt2 c_{l+1} - U_l(d_l) from the coarsest level down; c_0.
/// Shapes  z [S,B,L,C] -> [B,L,C]; path and errors as above
at::Tensor lifting_synthesis(const at::Tensor& z_SBLC, const std::vector<LiftingNetwork>& update,
                             std::string_view path = "auto");

namespace lifting_paths {

/// The meanings, in plain ATen.
at::Tensor analysis_reference(const at::Tensor& h_BLC, const std::vector<LiftingNetwork>& predict,
                              const std::vector<LiftingNetwork>& update, const LiftingPast& past);
at::Tensor synthesis_reference(const at::Tensor& z_SBLC, const std::vector<LiftingNetwork>& update);

}  // namespace lifting_paths
}  // namespace subband
