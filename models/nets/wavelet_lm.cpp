// WaveletLM: a language model whose blocks mix positions by an undecimated wavelet instead of attention.
//   x = E[ids];  blocks;  logits = W_head LN(x)
// There are no positional embeddings. Over `loop_iterations` passes the loss is the mean over the passes.
// Shapes  B batch, L length, V vocabulary, C width
// Cost    linear in L; per position and block about 24 levels Cp² + 4 S Cp² + 4 e C² flops
// Source  WaveletLM (github.com/ramongougis/WaveletLM), the model of April 2026
#include "models/wavelet/wavelet_net.h"

namespace subband::nets::wavelet_lm {

void add_to(NetRegistry& r) {
  r.add<WaveletNet, WaveletNetConfig>(
      {.name = "wavelet_lm",
       .summary = "a language model that mixes positions by an undecimated wavelet",
       .source = "WaveletLM (github.com/ramongougis/WaveletLM), April 2026",
       .cost = "linear in L; about 24 levels Cp^2 + 4 S Cp^2 + 4 e C^2 flops per position and block",
       .version = 3});
}

}  // namespace subband::nets::wavelet_lm
