// A residual sum and its norm on a device (residual_norm.cu). No LibTorch header and no CUDA header here.
#pragma once
#include <stdint.h>

struct SubbandResidualTerm {
  const void* y;
  const void* gain;     ///< null: 1
  int64_t gain_step;    ///< 0: one value for all channels; 1: one each
};

/// `type`: a cuda_values::Type (cuda_values.h), of everything but `kept` and sums.
struct SubbandResidualNorm {
  static constexpr int kMostTerms = 6;
  static constexpr int64_t kRows = 64;  ///< added up one after the other
  int64_t rows, columns;
  int terms;  ///< the stream first, then the branches
  SubbandResidualTerm term[kMostTerms];
  const void *weight, *bias;  ///< no weight: the sum alone; bias may be null
  int subtracts_mean;
  float epsilon;
  int type;
  void* stream;
};

/// Of the way back: what comes in and what goes out. Null where there is none.
struct SubbandResidualBack {
  const void* sum;
  const float* kept;       ///< [rows,2]
  const void *g, *g_sum;   ///< of normed and sum
  void* d;                 ///< of the sum, all in all
  void* of_y[SubbandResidualNorm::kMostTerms];
  float* dots;             ///< [terms,rows], of gains of one value
  float* partial;          ///< [2 + terms, chunks of kRows, columns]: weight, bias, gains of each channel
};

// Null when all is well, else a sentence that lives as long as the program.
extern "C" const char* subband_cuda_residual_norm(const SubbandResidualNorm* norm, void* sum, void* normed, float* kept);
extern "C" const char* subband_cuda_residual_norm_backward(const SubbandResidualNorm* norm,
                                                           const SubbandResidualBack* back);
