// The orthonormal discrete Hartley transform over channels; its own inverse, for any width.
//   Z_k = sum_n z_n cas(2π k n / C) / sqrt(C),  cas = cos + sin;  that is Re F - Im F of the Fourier transform
// Cost    2.5 C log2 C flops per position and scale
// Source  R. Bracewell, Discrete Hartley transform, J. Opt. Soc. Am. 73, 1983; WaveletLM, mixer_transform
#include <ATen/TensorOperators.h>
#include <ATen/ops/fft_fft.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/real.h>

#include <cmath>

#include "core/config/binder.h"
#include "models/transform.h"

namespace subband::transforms::dht {

struct Config {
  void bind(Binder&) {}
};

class Dht final : public Transform {
 public:
  Dht(const Config&, const BlockContext& context) : width_(context.padded_width) {}
  int64_t padded_width(int64_t width) const override { return width; }
  at::Tensor forward(const at::Tensor& z_C) override {
    // Half-precision Fourier transforms exist only for some devices and sizes.
    const auto wide = z_C.element_size() < 4 ? at::kFloat : z_C.scalar_type();
    const at::Tensor spectrum = at::fft_fft(z_C.to(wide), std::nullopt, -1, "ortho");
    return (at::real(spectrum) - at::imag(spectrum)).to(z_C.scalar_type());
  }
  at::Tensor inverse(const at::Tensor& z_C) override { return forward(z_C); }
  double flops(int64_t positions) const override {
    return 2.5 * static_cast<double>(positions * width_) * std::log2(static_cast<double>(width_));
  }

 private:
  int64_t width_;
};

void add_to(TransformRegistry& r) {
  r.add<Dht, Config>({.name = "dht",
                      .summary = "discrete Hartley transform over channels, without padding",
                      .source = "Bracewell 1983; WaveletLM, mixer_transform",
                      .cost = "no parameters; 2.5 C log2(C) flops per position and scale"});
}

}  // namespace subband::transforms::dht
