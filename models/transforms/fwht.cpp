// The orthonormal Walsh-Hadamard transform over channels; its own inverse, so one routine serves both directions.
//   Z = z H / sqrt(Cp),   H_1 = [1], H_2n = [[H_n, H_n], [H_n, -H_n]]
// Cost    Cp log2(Cp) additions per position; Cp is the next power of two
#include "core/ops/hadamard/fwht.h"

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
  // Elsewhere the transform alone has the better path.
  at::Tensor forward_biased(const at::Tensor& z_SBLC, const at::Tensor& context_BLC,
                            const at::Tensor& gains_SC) override {
    return has_loops(z_SBLC) ? biased_fwht(z_SBLC, context_BLC, gains_SC)
                             : Transform::forward_biased(z_SBLC, context_BLC, gains_SC);
  }
  at::Tensor inverse_scaled(const at::Tensor& z_SBLC, const at::Tensor& gains_S) override {
    return has_loops(z_SBLC) ? scaled_fwht(z_SBLC, gains_S) : Transform::inverse_scaled(z_SBLC, gains_S);
  }
  double flops(int64_t positions) const override {
    return static_cast<double>(positions * width_) * std::log2(static_cast<double>(width_));
  }

 private:
  static bool has_loops(const at::Tensor& z) { return z.is_cpu() && z.scalar_type() == at::kFloat; }

  int64_t width_;
};

void add_to(TransformRegistry& r) {
  r.add<Fwht, Config>({.name = "fwht",
                       .summary = "Walsh-Hadamard transform over channels, padded to a power of two",
                       .source = "WaveletLM",
                       .cost = "no parameters; Cp log2(Cp) additions per position and scale",
                       .version = 2});
}

}  // namespace subband::transforms::fwht
