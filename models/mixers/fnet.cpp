// Mixing by a Fourier transform over positions and channels, without a parameter.
//   y = Re(F_L x F_D),  (F_n)_jk = exp(-2πi jk/n):  y = cos_L x cos_D - sin_L x sin_D, unnormalised
// Every output sees every input, so there is no causal form.
// Shapes  B batch, L length, D model width
// Cost    5 L D (log2 L + log2 D) flops, O(L D) memory; any L, primes slower
// Source  Lee-Thorp et al. 2022, 2105.03824, section 3.2; package: transformers
#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "core/tensors/expect.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::fnet {

struct Config {
  std::string padding = "apart";

  void bind(Binder& b, const MixerContext& c) {
    b.choice("padding", padding, {"apart", "zeroed", "ignored"},
             "apart: each sequence is transformed at its real length; zeroed: padding enters as zeros, and "
             "bends the "
             "frequencies; ignored: padded tokens are mixed in like others (transformers)");
    b.check(!c.causal, "type",
            "has no causal form: every output sees every input; needs a net that is not causal");
  }
};

class FNet final : public Mixer {
 public:
  FNet(const Config& config, const MixerContext& context) : padding_(config.padding), width_(context.width) {}

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    refuse_state("fnet", pass);
    const at::Tensor& keep_BL = pass.keep_BL;
    expect_shape("fnet", "x", x_BLD, {kAny, kAny, width_});
    if (!keep_BL.defined() || padding_ == "ignored") return transformed(x_BLD);
    expect_shape("fnet", "keep", keep_BL, {x_BLD.size(0), x_BLD.size(1)});
    if (padding_ == "zeroed") return transformed(masked(x_BLD, keep_BL));
    const at::Tensor lengths = real_lengths("fnet", keep_BL).cpu();
    std::vector<at::Tensor> rows;
    for (int64_t b = 0; b < x_BLD.size(0); ++b) {
      const int64_t real = lengths[b].item<int64_t>();
      const at::Tensor x = x_BLD.narrow(0, b, 1);
      rows.push_back(at::cat(
          {transformed(x.narrow(1, 0, real)), at::zeros_like(x.narrow(1, real, x.size(1) - real))}, 1));
    }
    return at::cat(rows, 0);
  }
  int64_t state_bytes(int64_t, int64_t) const override { return 0; }
  double flops(int64_t length) const override {
    const double L = static_cast<double>(length), D = static_cast<double>(width_);
    return 5 * L * D * (std::log2(L) + std::log2(D));
  }

 private:
  // In fp32 at least: the first bin is the sum of all inputs, and would overflow in half precision.
  static at::Tensor transformed(const at::Tensor& x_BLD) {
    if (x_BLD.size(1) == 0) return x_BLD;
    const at::Tensor wide = x_BLD.element_size() < 4 ? x_BLD.to(at::kFloat) : x_BLD;
    return at::real(at::fft_fft2(wide, {}, {1, 2})).to(x_BLD.scalar_type());
  }

  std::string padding_;
  int64_t width_;
};

void add_to(MixerRegistry& r) {
  r.add<FNet, Config>({.name = "fnet",
                       .summary = "a Fourier transform over positions and channels; not causal",
                       .source = "Lee-Thorp et al. 2022, arXiv 2105.03824",
                       .cost = "5 L D (log2 L + log2 D) flops, no parameters"});
}

}  // namespace subband::mixers::fnet
