// No bypass: a block knows of the past only what its wavelet sees.
#include "core/config/binder.h"
#include "models/bypass.h"

namespace subband::bypasses::none {

struct Config {
  void bind(Binder&) {}
};

class None final : public Bypass {
 public:
  None(const Config&, const BlockContext&) {}
  at::Tensor summary(const at::Tensor&, const Pass&) override { return {}; }
  ScaleBias bias(const at::Tensor&, const at::Tensor&) override { return {}; }
  double flops(int64_t, bool) const override { return 0; }
  int64_t state_bytes(int64_t) const override { return 0; }
};

void add_to(BypassRegistry& r) {
  r.add<None, Config>({.name = "none", .summary = "no bypass", .source = "WaveletLM", .cost = "nothing"});
}

}  // namespace subband::bypasses::none
