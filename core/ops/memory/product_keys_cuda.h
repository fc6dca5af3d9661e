// The CUDA kernels of product_key_lookup (product_keys.cu). No LibTorch header and no CUDA header here.
#pragma once
#include <stdint.h>

/// N positions that read R = H K rows each.
struct SubbandProductKeys {
  int64_t count, side, kept, columns;  ///< N, S, K, C
  int64_t row_stride;                  ///< R
  int64_t head;                        ///< the one whose scores are given
  void* stream;
};

// Null when all is well, else a sentence that lives as long as the program. Shapes in product_keys.cuh.
/// From scores of a head, [N,S] each side: its part of rows and weights [N,R].
extern "C" const char* subband_cuda_choose_pairs(const SubbandProductKeys* keys, const float* scores_a,
                                                 const float* scores_b, int32_t* rows, float* weights);
extern "C" const char* subband_cuda_read_rows(const SubbandProductKeys* keys, const float* table, const int32_t* rows,
                                              const float* weights, float* y);
extern "C" const char* subband_cuda_weights_backward(const SubbandProductKeys* keys, const float* table,
                                                     const int32_t* rows, const float* g, float* of_weights);
struct SubbandChoice {
  const int32_t* rows;
  const float *weights, *of_weights;
};
extern "C" const char* subband_cuda_scores_backward(const SubbandProductKeys* keys, const SubbandChoice* choice,
                                                    float* of_a, float* of_b);
/// Slots sorted by row, equal ones in their order; rows that nobody read keep what of_table holds.
struct SubbandSortedSlots {
  const int32_t* rows;
  const int64_t* slots;
};
extern "C" const char* subband_cuda_table_backward(const SubbandProductKeys* keys, const SubbandSortedSlots* sorted,
                                                   const float* weights, const float* g, float* of_table);
