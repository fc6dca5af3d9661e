// The mean of what is kept of the past, the least that a mixer can do.
//   y_t = sum_{s <= t} x_s / (number of s <= t)
// Shapes  B batch, L length, D model width
// Cost    2 L D flops; decoding state D values
// Source  ours, an example
#include <ATen/ATen.h>

#include <algorithm>

#include "models/mixer.h"

namespace subband::mixers::past_mean {

struct Config {
  double scale = 1.0;  // the default, the only place it is written

  void bind(Binder& b, const MixerContext& c) {
    b.field("scale", scale, {-100, 100}, "factor of the mean");
    b.check(c.causal, "type", "looks back alone: needs a causal net");
  }
};

class PastMean final : public Mixer {
 public:
  PastMean(const Config& config, const MixerContext& c) : scale_(config.scale), width_(c.width) {}

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    expect_pass("past_mean", x_BLD, pass, width_);
    const at::Tensor kept_BL1 = pass.keep_BL.defined() ? pass.keep_BL.unsqueeze(2).to(x_BLD.scalar_type())
                                                       : at::ones_like(x_BLD.narrow(2, 0, 1));
    const at::ScalarType wide = x_BLD.element_size() < 4 ? at::kFloat : x_BLD.scalar_type();  // of sums
    at::Tensor sums_BLD = (x_BLD * kept_BL1).cumsum(1, wide);
    LayerState* past = pass.memory();  // null: the sequence begins here
    if (past && past->value("sum").defined()) sums_BLD = sums_BLD + past->value("sum").unsqueeze(1);
    if (past) past->put("sum", sums_BLD.select(1, -1));
    const at::Tensor counts_BL1 = (kept_BL1.cumsum(1, wide) + pass.position()).clamp_min(1);
    return (scale_ * sums_BLD / counts_BL1).to(x_BLD.scalar_type());
  }
  bool can_continue() const override { return true; }
  int64_t state_bytes(int64_t, int64_t bytes_per_value) const override {
    return width_ * std::max<int64_t>(bytes_per_value, 4);
  }
  double flops(int64_t length) const override { return 2 * static_cast<double>(length * width_); }

 private:
  double scale_;
  int64_t width_;
};

void add_to(MixerRegistry& r) {
  r.add<PastMean, Config>({.name = "past_mean",
                           .summary = "the mean of the past",
                           .source = "ours, an example",
                           .cost = "2 L D flops",
                           .version = 1});  // raise it whenever the same config computes something else
}

}  // namespace subband::mixers::past_mean
