// Attention of one token on all keys of its group, so that each key and each value is read once. No LibTorch header here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace at {
class Tensor;
}

namespace subband {

/// y = softmax(scale q kᵀ) v
/// Shapes  q [B,G,R,K], k [B,G,T,K], v [B,G,T,V] -> [B,G,R,V], R queries read one group; one floating dtype and device
/// `path`  `auto`, or one of `reference`, `loops` by force
/// Errors  ShapeError when a shape does not fit or the forced path cannot take the input
at::Tensor token_attention(const at::Tensor& q_BGRK, const at::Tensor& k_BGTK, const at::Tensor& v_BGTV, double scale,
                           std::string_view path = "auto");

namespace token_attention_paths {

/// The meaning, in plain ATen; the softmax in fp32 at least.
at::Tensor reference(const at::Tensor& q_BGRK, const at::Tensor& k_BGTK, const at::Tensor& v_BGTV, double scale);

/// Of one group: R queries, T keys and values without gaps between them.
struct Extent {
  int64_t queries, keys, key_width, value_width;
};
/// token_attention_loops.cpp, CPU: s = q kᵀ, [R,T], and y = w v, [R,V]
void scores(const Extent& extent, const float* q, const float* k, float* s);
void sums(const Extent& extent, const float* w, const float* v, float* y);

}  // namespace token_attention_paths
}  // namespace subband
