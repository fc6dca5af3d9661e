// The fixed Haar wavelet, undecimated: nothing to learn.
//   d_l = (c_l - past_l(c_l)) / sqrt2,  c_{l+1} = (c_l + past_l(c_l)) / sqrt2;  back: c_l = (c_{l+1} + d_l) / sqrt2
// Shapes  B batch, L length, C coefficient width, S scales
// Cost    no parameters; 4 passes over the sequence per level
// Source  WaveletLM, fixed Haar fallback; its constants
#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>

#include <vector>

#include "core/config/binder.h"
#include "models/lifting.h"
#include "models/liftings/steps.h"

namespace subband::liftings::haar {

constexpr double kForward = 0.70710678118;  // as many digits as the original's forward path has
constexpr double kBackward = 0.7071067811865476;

struct Config {
  void bind(Binder&) {}
};

class Haar final : public Lifting {
 public:
  Haar(const Config&, const LiftingContext& context) : levels_(context.levels), width_(context.padded_width) {
    if (context.dilation == nullptr) return;
    dilation_ = register_module("dilation", context.dilation->make(context));
  }

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) override {
    std::vector<at::Tensor> scales(static_cast<size_t>(levels_) + 1);
    at::Tensor c = h_BLC;
    for (int64_t level = 0; level < levels_; ++level) {
      const at::Tensor past = dilation_->past(c, level, inputs_of_level(memory, *dilation_, level));
      scales[static_cast<size_t>(levels_ - level)] = (c - past) * kForward;
      c = (c + past) * kForward;
    }
    scales[0] = c;
    return at::stack(scales);
  }

  at::Tensor reconstruct(const at::Tensor& z_SBLC) override {
    const std::vector<at::Tensor> scales = z_SBLC.unbind(0);
    at::Tensor c = scales[0];
    for (size_t scale = 1; scale < scales.size(); ++scale) c = (c + scales[scale]) * kBackward;
    return c;
  }

  // Four operations a value on the way down, two on the way back.
  double flops(int64_t length) const override { return 6.0 * static_cast<double>(levels_ * length * width_); }
  int64_t kept_rows(int64_t length) const override { return dilation_->kept_rows(levels_, length); }

 private:
  int64_t levels_ = 0, width_ = 0;
  std::shared_ptr<Dilation> dilation_;
};

void add_to(LiftingRegistry& r) {
  r.add<Haar, Config>({.name = "haar",
                       .summary = "the fixed Haar wavelet, undecimated",
                       .source = "WaveletLM",
                       .cost = "no parameters; 4 passes over the sequence per level"});
}

}  // namespace subband::liftings::haar
