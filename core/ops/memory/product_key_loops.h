// The loops of product_key_lookup.cpp over fp32 (product_key_loops.cpp).
#pragma once
#include <cstdint>

namespace subband::product_key_paths {

struct Extent {
  int64_t side, kept, columns;  ///< S, K, C
};

/// The K best pairs of one position and head from its scores a, b [S]: rows of the table behind `first_row`, and their
/// softmax; best first.
void choose_pairs(const Extent& extent, const float* a, const float* b, int64_t first_row, int32_t* rows,
                  float* weights);
/// y += sum over count of weights[r] table[rows[r]].
void read_rows(const Extent& extent, const float* table, const int32_t* rows, const float* weights, float* y);
/// From g = dy of one position and head: adds the gradients of the scores to of_a, of_b [S].
struct Scores {
  float *of_a, *of_b;
};
void choose_backward(const Extent& extent, const float* table, int64_t first_row, const int32_t* rows,
                     const float* weights, const float* g, const Scores& scores);
/// table[rows[r]] += weights[r] g, columns first to end - 1.
void add_to_rows(const Extent& extent, int64_t first, int64_t end, const int32_t* rows, const float* weights,
                 const float* g, float* table);

}  // namespace subband::product_key_paths
