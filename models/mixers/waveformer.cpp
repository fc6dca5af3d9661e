// Attention in wavelet space: the sequence itself is split into bands, each has a mixer of its own, and the bands are put
// together again.
//   c_0 = x;  (c_l, d_l) = analyse(c_{l-1});  back with mixer_l(d_l), mixer_{levels+1}(c_levels)
// Every output sees every input within its bands, so there is no causal form: one-sided filters would be another model.
// Shapes  B batch, L length, D width, K coefficients of a band (token_wavelet.h)
// Cost    8 W D flops per token and level, and levels + 1 mixers on about L / 2^l coefficients
// Source  Zhuang et al. 2022, Waveformer, later WavSpA, arXiv 2210.01989
#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "core/slot.h"
#include "core/tensors/expect.h"
#include "models/layers/padding.h"
#include "models/layers/spectral/token_wavelet.h"
#include "models/mixer.h"

namespace subband::mixers::waveformer {

struct Config {
  int64_t levels = 1;
  TokenWaveletFields wavelet;
  Slot<Mixer> attention{"softmax_attention"};

  void bind(Binder& b, const MixerContext& c) {
    b.field("levels", levels, {1, 24}, "of the wavelet (published: 1)");
    wavelet.bind(b);
    b.part("attention", attention, inner(c, c.length), "the mixer of every band, with weights of its own");
    b.check(!c.causal, "type",
            "has no causal form: its wavelet spreads every token over later and earlier ones; mixer wavelet "
            "is causal");
  }
  static MixerContext inner(const MixerContext& c, int64_t length) {
    MixerContext context = c;
    context.causal = false;
    context.length = length;
    return context;
  }
};

class Waveformer final : public Mixer {
 public:
  Waveformer(const Config& config, const MixerContext& context)
      : width_(context.width), wavelet_(*this, config.wavelet, context.width, *context.initializer) {
    const auto bands = register_module("bands", std::make_shared<torch::nn::Module>("bands"));
    int64_t length = context.length;
    for (int64_t level = 0; level <= config.levels; ++level) {
      if (level < config.levels) length = wavelet_.band_length(length);
      mixers_.push_back(bands->register_module(std::to_string(level),
                                               config.attention.make(Config::inner(context, length))));
    }
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    refuse_state("waveformer", pass);
    const at::Tensor& keep_BL = pass.keep_BL;
    expect_shape("waveformer", "x", x_BLD, {kAny, kAny, width_});
    if (keep_BL.defined()) expect_shape("waveformer", "keep", keep_BL, {x_BLD.size(0), x_BLD.size(1)});
    at::Tensor c = masked(x_BLD, keep_BL), count_B;
    if (keep_BL.defined()) count_B = real_lengths("waveformer", keep_BL);
    struct Level {
      int64_t length;
      at::Tensor keep_BK, detail_BKD;
    };
    std::vector<Level> levels;
    for (size_t level = 0; level + 1 < mixers_.size(); ++level) {
      const int64_t length = c.size(1);
      const at::Tensor keep = kept(count_B, wavelet_.band_length(length));
      const auto bands = wavelet_.analyse(c, keep);
      levels.push_back({length, keep, mixed(level, bands.detail_BKD, keep)});
      c = bands.coarse_BKD;
    }
    c = mixed(mixers_.size() - 1, c, levels.back().keep_BK);
    for (size_t level = levels.size(); level-- > 0;)
      c = wavelet_.synthesise({c, levels[level].detail_BKD}, levels[level].length, levels[level].keep_BK);
    return c;
  }

  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return length * width_ * bytes_per_value;
  }
  double flops(int64_t length) const override {
    double sum = 0;
    for (size_t level = 0; level < mixers_.size(); ++level) {
      if (level + 1 < mixers_.size()) {
        sum += wavelet_.flops(length);
        length = wavelet_.band_length(length);
      }
      sum += mixers_[level]->flops(length);
    }
    return sum;
  }
  std::string path() const override { return mixers_[0]->path(); }

 private:
  // Which of a band's coefficients belong to real tokens, whose numbers become the band's; undefined without padding.
  at::Tensor kept(at::Tensor& count_B, int64_t length) const {
    if (!count_B.defined()) return {};
    count_B = at::where(count_B > 0, (count_B + wavelet_.overlap()).div(2, "floor"), 0);
    return at::arange(length, count_B.options()) < count_B.unsqueeze(1);
  }
  // Coefficients of padding stay zero, or they would reach real tokens on the way back.
  at::Tensor mixed(size_t band, const at::Tensor& x_BKD, const at::Tensor& keep_BK) const {
    return masked(mixers_[band]->forward(x_BKD, {.keep_BL = keep_BK}), keep_BK);
  }

  int64_t width_;
  TokenWavelet wavelet_;
  std::vector<std::shared_ptr<Mixer>> mixers_;
};

void add_to(MixerRegistry& r) {
  r.add<Waveformer, Config>(
      {.name = "waveformer",
       .summary = "a mixer of its own on every band of a learned wavelet along tokens",
       .source = "Zhuang et al. 2022, arXiv 2210.01989",
       .cost = "8 W L D flops a level, and levels + 1 mixers on L/2, L/4, ... coefficients",
       .version = 2});
}

}  // namespace subband::mixers::waveformer
