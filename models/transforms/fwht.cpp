// The orthonormal Walsh-Hadamard transform over channels; its own inverse, so one routine serves both directions.
//   Z = z H / sqrt(Cp),   H_1 = [1], H_2n = [[H_n, H_n], [H_n, -H_n]]
// Cost    Cp log2(Cp) additions per position; Cp is the next power of two
#include "core/ops/fwht.h"

#include <cmath>

#include "core/config/binder.h"
#include "models/transform.h"

namespace subband::transforms::fwht {

struct Config {
  void bind(Binder&) {}
};

class Fwht final : public Transform {
 public:
  Fwht(const Config&, const BlockContext& context) : width_(context.padded_width) {}
  int64_t padded_width(int64_t width) const override {
    int64_t padded = 1;
    while (padded < width) padded *= 2;
    return padded;
  }
  at::Tensor forward(const at::Tensor& z_C) override { return subband::fwht(z_C); }
  at::Tensor inverse(const at::Tensor& z_C) override { return subband::fwht(z_C); }
  double flops(int64_t positions) const override {
    return static_cast<double>(positions * width_) * std::log2(static_cast<double>(width_));
  }

 private:
  int64_t width_;
};

void add_to(TransformRegistry& r) {
  r.add<Fwht, Config>({.name = "fwht",
                       .summary = "Walsh-Hadamard transform over channels, padded to a power of two",
                       .source = "WaveletLM",
                       .cost = "no parameters; Cp log2(Cp) additions per position and scale"});
}

}  // namespace subband::transforms::fwht
