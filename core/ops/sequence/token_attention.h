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
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` by force
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
/// Where they stand.  Shapes  q [R,K], k [T,K], v [T,V] -> y [R,V]
struct Group {
  const float *q, *k, *v;
  float* y;
};
/// token_attention_loops.cpp, CPU. `scores`: room for R (T + 1) values.
void attend(const Extent& extent, const Group& group, float scale, float* scores);

inline constexpr int kMostCudaValueWidth = 256;  ///< V up to which the kernel keeps a query's sums in registers

}  // namespace token_attention_paths
}  // namespace subband

/// token_attention.cu: null when all is well, else a sentence that lives as long as the program. `type`: a
/// cuda_values::Type (cuda_values.h). Strides of sequences and groups, in values; rows are whole.
struct SubbandTokenAttention {
  int64_t sequences, groups, queries, keys, key_width, value_width;
  int64_t k_strides[2], v_strides[2];
  float scale;
  int type;
  void* stream;
};
extern "C" const char* subband_cuda_token_attention(const SubbandTokenAttention* attention, const void* q,
                                                    const void* k, const void* v, void* y);
