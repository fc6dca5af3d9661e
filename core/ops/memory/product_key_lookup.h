// A value table read through product keys. No CUDA header here.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace subband {

/// Scores of a row n's query against two short lists of keys, sa[i] = qa ka_i and sb[j] = qb kb_j, choose the K pairs
/// of the largest sa[i] + sb[j] among the K best of each side; their softmax weighs rows i side + j of the table, per head
/// one part of it.
struct ProductKeyTables {
  at::Tensor keys_a_HSE, keys_b_HSE;  ///< S keys a side
  at::Tensor values_VC;               ///< V = H S S
};

/// Sum of the weighted rows over all heads. The loops choose the lower index of two equal scores, and add the gradient of
/// the table up row after row: the same bits on any number of threads.
/// Shapes  q [N,H,2E] -> [N,C]
/// `path`  `auto`, or one of `reference`, `loops`, `cuda` (fp32) by force; what ran is counted (op_paths.h)
/// Errors  ShapeError when shapes do not fit, or the forced path cannot take q
at::Tensor product_key_lookup(const at::Tensor& q_NHE, const ProductKeyTables& tables, int64_t top_k,
                              std::string_view path = "auto");

namespace product_key_paths {

/// The rows that every position reads, R = H K, and their weights, which per head sum to one.
struct Choice {
  at::Tensor rows_NR;  ///< int64
  at::Tensor weights_NR;
};

/// The meaning in plain ATen, in its two steps.
Choice choose(const at::Tensor& q_NHE, const ProductKeyTables& tables, int64_t top_k);
at::Tensor gather(const at::Tensor& values_VC, const Choice& choice);  ///< touches the chosen rows only
at::Tensor dense(const at::Tensor& values_VC, const Choice& choice);   ///< one product with the whole table
/// Whichever of the two costs less.
at::Tensor read(const at::Tensor& values_VC, const Choice& choice);
bool dense_is_cheaper(int64_t table_rows, int64_t read_rows);
at::Tensor reference(const at::Tensor& q_NHE, const ProductKeyTables& tables, int64_t top_k);

}  // namespace product_key_paths
}  // namespace subband
