// The CUDA kernels of gated_haar and random_features (gated_haar.cu, random_features.cu). No LibTorch header and no CUDA
// header here. Launchers return null when all is well, else a sentence that lives as long as the program.
#pragma once
#include <stdint.h>

/// Shapes in gated_haar.cuh; the causal form, 7 bands at most.
struct SubbandGatedHaar {
  int64_t batch, length, channels, levels;
  bool per_token, gelu;
  void* stream;
};
extern "C" const char* subband_cuda_gated_haar(const SubbandGatedHaar* haar, const float* x, const float* gains, float* y);
struct SubbandHaarInputs {
  const float *x, *gains, *g;
};
extern "C" const char* subband_cuda_gated_haar_backward(const SubbandGatedHaar* haar, const SubbandHaarInputs* in,
                                                        float* of_x, float* of_gains);

/// Shapes in random_features.cuh.
struct SubbandFeatureRows {
  int64_t count, width, features;
  float scale;
  void* stream;
};
extern "C" const char* subband_cuda_rectify(const SubbandFeatureRows* rows, float* p);
extern "C" const char* subband_cuda_feature_logarithms(const SubbandFeatureRows* rows, const float* x, float* p,
                                                       float* largest);
extern "C" const char* subband_cuda_feature_exponentials(const SubbandFeatureRows* rows, const float* c, float* log);
struct SubbandPeaks {
  int64_t batch, length, groups;
  const float *before, *largest;
  float *c, *decay;
  void* stream;
};
extern "C" const char* subband_cuda_feature_peaks(const SubbandPeaks* peaks);
struct SubbandFeatureGradients {
  const float *f, *g;
  float *of_p, *sums;
};
extern "C" const char* subband_cuda_features_backward(const SubbandFeatureRows* rows, int rectified,
                                                      const SubbandFeatureGradients* gradients);
extern "C" const char* subband_cuda_feature_norms(const SubbandFeatureRows* rows, const float* x, const float* sums,
                                                  float* of_x);
