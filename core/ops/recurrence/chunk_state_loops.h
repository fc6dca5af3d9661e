// The CPU loops of chunk_state (chunk_state_loops.cpp), for heads of queries that stand side by side; fp32.
// Shapes  q, k [L,K], v [L,V] or, with a one behind each row, [L,V + 1]; a state [K,V], its rows without gaps
#pragma once
#include <cstdint>
#include <span>

namespace subband::chunk_state_paths {

/// Row t stands at data + t * stride; the values of a row are side by side.
struct Rows {
  const float* data;  ///< null: all zero
  int64_t stride, width;
  bool with_one = false;
};

struct RowsOut {
  float* data;  ///< null: nobody asks
  int64_t stride, width;
  bool adds = false;  ///< to what stands there
};

/// One number a token; data null: none.
struct Decays {
  const float* data;
  int64_t stride;
};

struct HeadInputs {
  int64_t length;
  Rows q, k, v;
  Decays log_decay;

  int64_t key_width() const { return k.width; }
  int64_t value_width() const { return v.width + (v.with_one ? 1 : 0); }
};

struct HeadForward {
  HeadInputs in;
  float* state;  ///< before the first token; becomes that after the last
  RowsOut y;
};
/// Heads of one length and of the same widths, window by window of tokens.
void forward(std::span<const HeadForward> heads);

struct HeadBackward {
  HeadInputs in;
  const float* state;  ///< before the first token
  Rows of_y;
  float* of_state;  ///< the gradient of the last state; becomes that of `state`
  RowsOut of_q, of_k, of_v;
  RowsOut of_log_decay;  ///< width 1
};
void backward(std::span<const HeadBackward> heads);

/// About how many nanoseconds `forward` takes for a head; `backward` three times that.
double loops_ns(const HeadInputs& in);

}  // namespace subband::chunk_state_paths
