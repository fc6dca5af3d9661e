#include "core/ops/features/random_features_steps.h"

#include <ATen/ops/empty.h>

#include "core/ops/features/features_cuda.h"
#include "core/tensors/device.h"

namespace subband::random_features_steps {

namespace {

namespace loops = random_features_paths;

constexpr const char* kOp = "random_features";

const float* from(const at::Tensor& x) { return x.const_data_ptr<float>(); }
float* to(const at::Tensor& x) { return x.mutable_data_ptr<float>(); }

SubbandFeatureRows described(const Rows& r, const at::Tensor& x) {
  return {r.rows, r.width, r.features, r.scale, cuda_stream(x.device())};
}

// Of two the larger one; one that is not a number stays.
float larger_of(float a, float b) { return a >= b || a != a ? a : b; }

void launch_logarithms(const Rows& r, const float* x, const at::Tensor& p_NM, const at::Tensor& largest_N) {
  const SubbandFeatureRows rows = described(r, p_NM);
  cuda_launch<decltype(subband_cuda_feature_logarithms)>(kOp, "subband_cuda_feature_logarithms", &rows, x, to(p_NM),
                                                         to(largest_N));
}

}  // namespace

void rectify(const Rows& r, const at::Tensor& p_NM) {
  if (!p_NM.is_cuda()) return loops::rectify(r, to(p_NM));
  const SubbandFeatureRows rows = described(r, p_NM);
  cuda_launch<decltype(subband_cuda_rectify)>(kOp, "subband_cuda_rectify", &rows, to(p_NM));
}

void exponentiate_queries(const Rows& r, const at::Tensor& p_NM) {
  if (!p_NM.is_cuda()) return loops::exponentiate_queries(r, to(p_NM));
  const at::Tensor largest_N = at::empty({r.rows}, p_NM.options());
  launch_logarithms(r, nullptr, p_NM, largest_N);
  exponentiate(r, largest_N, p_NM);
}

void key_logarithms(const Rows& r, const at::Tensor& x_NK, const at::Tensor& p_NM, const at::Tensor& largest_N) {
  if (!p_NM.is_cuda()) return loops::key_logarithms(r, from(x_NK), to(p_NM), to(largest_N));
  launch_logarithms(r, from(x_NK), p_NM, largest_N);
}

void exponentiate(const Rows& r, const at::Tensor& c_N, const at::Tensor& log_NM) {
  if (!log_NM.is_cuda()) return loops::exponentiate(r, from(c_N), to(log_NM));
  const SubbandFeatureRows rows = described(r, log_NM);
  cuda_launch<decltype(subband_cuda_feature_exponentials)>(kOp, "subband_cuda_feature_exponentials", &rows, from(c_N),
                                                           to(log_NM));
}

void advance(const Peaks& p, int64_t first, int64_t count) {
  const int64_t batch = p.largest_BLG.size(0), length = p.largest_BLG.size(1), groups = p.largest_BLG.size(2);
  const float *const before = p.before_BG.defined() ? from(p.before_BG) : nullptr, *const largest = from(p.largest_BLG);
  float *const c = to(p.c_BLG), *const decay = to(p.decay_BLG);
  if (p.largest_BLG.is_cuda()) {
    const SubbandPeaks peaks{batch, length, groups, before, largest, c, decay, cuda_stream(p.largest_BLG.device())};
    cuda_launch<decltype(subband_cuda_feature_peaks)>(kOp, "subband_cuda_feature_peaks", &peaks);
    return;
  }
  for (int64_t row = first; row < first + count; ++row) {
    const bool is_first = row / groups % length == 0;
    const int64_t of_group = row / (groups * length) * groups + row % groups;
    const float earlier = !is_first ? c[row - groups] : before ? before[of_group] : largest[row];
    c[row] = larger_of(earlier, largest[row]);
    decay[row] = earlier - c[row];
  }
}

void backward(const Rows& r, FeatureMap map, const Gradients& g) {
  if (g.g_NM.is_cuda()) {
    const SubbandFeatureRows rows = described(r, g.g_NM);
    const SubbandFeatureGradients gradients{from(g.f_NM), from(g.g_NM), to(g.of_p_NM), to(g.sums_N)};
    cuda_launch<decltype(subband_cuda_features_backward)>(kOp, "subband_cuda_features_backward", &rows,
                                                          map == FeatureMap::relu ? 1 : 0, &gradients);
  } else if (map == FeatureMap::relu) {
    loops::rectify_backward(r, from(g.f_NM), from(g.g_NM), to(g.of_p_NM));
  } else {
    loops::exponentiate_backward(r, from(g.f_NM), from(g.g_NM), to(g.of_p_NM), to(g.sums_N));
  }
}

void norms_backward(const Rows& r, const at::Tensor& x_NK, const at::Tensor& sums_N, const at::Tensor& of_x_NK) {
  if (!x_NK.is_cuda()) return loops::norms_backward(r, from(x_NK), from(sums_N), to(of_x_NK));
  const SubbandFeatureRows rows = described(r, x_NK);
  cuda_launch<decltype(subband_cuda_feature_norms)>(kOp, "subband_cuda_feature_norms", &rows, from(x_NK), from(sums_N),
                                                    to(of_x_NK));
}

}  // namespace subband::random_features_steps
