// The CUDA kernel of chunk_state (chunk_state.cu): one walk over the tokens of every sequence and head, as in
// chunk_state_loops.cpp. No LibTorch header and no CUDA header here.
#pragma once
#include <stdint.h>

/// Rows of fp32: token t of sequence n and of query head h at data + n * sequence + t * token + h / repeats * head.
struct SubbandRows {
  const float* data;
  int64_t sequence, token, head, repeats, width;
  bool with_one;  ///< behind each row
};

///   M = e^g M + a_t b_tᵀ,   out_t = Mᵀ c_t
struct SubbandChunkWalk {
  int64_t sequences, length, heads, groups;
  int64_t rows, columns;  ///< of M
  SubbandRows a, b, c;
  SubbandRows log_decay;   ///< width 1; data null: none
  bool back;               ///< from the last token; the decay of token t + 1 then stands before t
  bool per_group;          ///< out and the state are sums over a group's heads
  const float* state_in;   ///< null: zero. [sequences, groups] matrices of rows x columns values, strides below
  float* state_out;        ///< null: nobody asks
  int64_t row_stride, column_stride;
  float* out;              ///< [sequences, length, heads or groups, out_width]
  int64_t out_width;       ///< of `columns`, the first
  void* stream;
};

/// Null when all is well, else a sentence that lives as long as the program.
extern "C" const char* subband_cuda_chunk_walk(const SubbandChunkWalk* walk);

namespace subband::chunk_state_paths {
inline constexpr int kMostCudaRows = 128;  ///< of M, which stand in registers
}
