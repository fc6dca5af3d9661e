// Every level chooses among K neighbouring distances by a learned softmax that starts at the dyadic one.
//   past_l = sum_k softmax(a_l)_k shift(c, o_l + k),   o_l = max(1, 2^l - floor(K/2))
// At fine levels the window moves up instead of being cut: K = 3 gives {1,2,3}, {1,2,3}, {3,4,5}, {7,8,9}, ...
// Shapes  a [levels, K]
// Cost    levels K parameters; 2 K C flops per position and level
// Source  WaveletLM, "wavelet crawl"
#include <ATen/ops/softmax.h>

#include <algorithm>

#include "core/config/binder.h"
#include "core/ops/sequence/causal_filter.h"
#include "models/dilation.h"

namespace subband::dilations::crawl {

constexpr double kLogitOfDyadic = 5.0;

struct Config {
  int64_t taps = 3;

  void bind(Binder& b) {
    b.field("taps", taps, {1, 65535}, "K, candidate distances per level; odd (original: wavelet_crawl_k)");
    b.check(taps % 2 == 1, "taps", "must be odd, so that the dyadic distance stands in the middle");
  }
};

class Crawl final : public Dilation {
 public:
  Crawl(const Config& config, const BlockContext& context) : taps_(config.taps) {
    at::Tensor logits = context.initializer->zeros({context.levels, taps_});
    for (int64_t level = 0; level < context.levels; ++level)
      logits.select(0, level).select(0, (int64_t{1} << level) - first_distance(level)).fill_(kLogitOfDyadic);
    logits_ = add_parameter("logits", logits, {.role = Role::router});
  }

  int64_t reach(int64_t level) const override { return first_distance(level) + taps_ - 1; }
  int64_t nearest(int64_t level) const override { return first_distance(level); }
  std::optional<at::Tensor> taps() const override { return logits_.softmax(1); }

 protected:
  at::Tensor look_back(const at::Tensor& c_BLC, int64_t level) override {
    return causal_filter(c_BLC, logits_.select(0, level).softmax(0), first_distance(level));
  }
  at::Tensor filtered(const at::Tensor& rows_BNC, int64_t level) override {
    const int64_t known = taps_ - 1;
    return causal_filter(rows_BNC, logits_.select(0, level).softmax(0), 0)
        .narrow(1, known, rows_BNC.size(1) - known);
  }

 private:
  int64_t first_distance(int64_t level) const {
    return std::max<int64_t>(1, (int64_t{1} << level) - taps_ / 2);
  }

  int64_t taps_;
  at::Tensor logits_;
};

void add_to(DilationRegistry& r) {
  r.add<Crawl, Config>({.name = "crawl",
                        .summary = "each level learns which of K neighbouring distances to look back",
                        .source = "WaveletLM, wavelet crawl",
                        .cost = "levels K parameters; 2 K C flops per position and level"});
}

}  // namespace subband::dilations::crawl
