// Level l looks back 2^l positions: the undecimated ("a trous") wavelet.
//   past_l[t] = c[t - 2^l]
// Source  S. Mallat, A Wavelet Tour of Signal Processing, section 5.5
#include "core/config/binder.h"
#include "models/dilation.h"
#include "models/layers/shift.h"

namespace subband::dilations::dyadic {

struct Config {
  void bind(Binder&) {}
};

class Dyadic final : public Dilation {
 public:
  Dyadic(const Config&, const BlockContext&) {}
  int64_t reach(int64_t level) const override { return int64_t{1} << level; }
  int64_t nearest(int64_t level) const override { return reach(level); }
  std::optional<at::Tensor> taps() const override { return at::Tensor(); }

 protected:
  at::Tensor look_back(const at::Tensor& c_BLC, int64_t level) override {
    return shift(c_BLC, int64_t{1} << level);
  }
  at::Tensor filtered(const at::Tensor& rows_BNC, int64_t) override { return rows_BNC; }
};

void add_to(DilationRegistry& r) {
  r.add<Dyadic, Config>({.name = "dyadic",
                         .summary = "level l looks back 2^l positions",
                         .source = "Mallat, A Wavelet Tour of Signal Processing, section 5.5",
                         .cost = "no parameters; one copy of the sequence per level"});
}

}  // namespace subband::dilations::dyadic
