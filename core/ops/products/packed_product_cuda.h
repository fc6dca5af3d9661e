// The CUDA kernel of packed_product (packed_product.cu). No LibTorch header and no CUDA header here.
#pragma once
#include <stdint.h>

/// A packed matrix on a device, as packed_form.h lays it out, and what it is multiplied with.
struct SubbandPackedProduct {
  int64_t rows, columns, inputs;
  int bits;
  int64_t group;      ///< values with one scale; 0 where rows or the matrix have one
  int64_t groups;     ///< of a row
  bool one_scale;     ///< of the matrix
  const uint8_t* codes;
  const float* scales;           ///< null where groups have them
  const uint16_t* group_scales;  ///< fp16
  const int8_t* zeros;           ///< null: symmetric
  int type;                      ///< a cuda_values::Type (cuda_values.h)
  void* stream;
};

/// y[n,r] of x [inputs, columns]. Null when all is well, else a sentence that lives as long as the program.
extern "C" const char* subband_cuda_packed_product(const SubbandPackedProduct* product, const void* x, void* y);
