// The CPU loops of chunk_state (chunk_state_loops.cpp), for one sequence and one head of queries; fp32.
// Shapes  q, k [L,K], v [L,V] or, with a one behind each row, [L,V + 1]; a state [K,V], its rows without gaps
#pragma once
#include <cstdint>

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

/// `state`: before the first token; becomes that after the last.
void forward(const HeadInputs& in, float* state, const RowsOut& y);

struct HeadGradients {
  RowsOut q, k, v;
  RowsOut log_decay;  ///< width 1
};

/// From the gradients of y and, in `of_state`, of the last state, which becomes that of the state before the first token.
void backward(const HeadInputs& in, const float* state, const Rows& of_y, float* of_state, const HeadGradients& to);

/// About how many nanoseconds `forward` takes; `backward` three times that.
double loops_ns(const HeadInputs& in);

}  // namespace subband::chunk_state_paths
