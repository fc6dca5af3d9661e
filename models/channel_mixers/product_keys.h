// Product-key lookup, which the memories share.
//   q = x Wqᵀ, split per head into two halves;  sa[i] = qa·ka_i,  sb[j] = qb·kb_j
//   the best top_k of sa[i] + sb[j] choose rows i n + j, weighted by their softmax;  y = sum over heads and rows
// Shapes  B batch, L length, C width, N = B L, H heads, n = sqrt(keys), K rows kept, E = C / H
// Source  G. Lample et al., Large Memory Layers with Product Keys, arXiv 1907.05242; without its query norm
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "core/config/binder.h"
#include "core/ops/memory/product_key_lookup.h"
#include "models/block_context.h"
#include "models/layers/projection.h"
#include "models/module.h"

namespace subband::channel_mixers {

struct ProductKeysConfig {
  int64_t keys = 256;
  int64_t top_k = 32;
  int64_t heads = 1;

  void bind(Binder& b, const BlockContext& c);
};

class ProductKeys {
 public:
  /// Registers `query_proj`, `keys_a`, `keys_b` and `values` in `owner`.
  ProductKeys(Module& owner, const ProductKeysConfig& config, const BlockContext& context);

  using Choice = product_key_paths::Choice;
  Choice choose(const at::Tensor& x_BLC) const;
  /// What the chosen rows of the table are together.  Shapes  x [B,L,C] -> [N,C]
  at::Tensor look_up(const at::Tensor& x_BLC) const;

  /// Of choosing rows and reading them, over one sequence.
  double flops(int64_t length) const;
  const at::Tensor& values() const { return values_; }  ///< [keys H, C]

 private:
  at::Tensor queries(const at::Tensor& x_BLC) const;  // [N,H,2E]

  ProductKeysConfig config_;
  int64_t side_;  // n
  std::shared_ptr<Projection> query_;
  at::Tensor keys_a_, keys_b_, values_;
};

}  // namespace subband::channel_mixers
