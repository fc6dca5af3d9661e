// The orthonormal discrete cosine transform (type II) over channels, and its inverse (type III), for any width.
//   Z_k = s_k sum_n z_n cos(π (2 n + 1) k / 2C),  s_0 = sqrt(1/C), s_k = sqrt(2/C)
// With v = the even channels and then the odd ones backwards, V its Fourier transform and W_k = e^{-iπk/2C} V_k,
//   Z_k / s_k = Re W_k,  Z_{C-k} / s_{C-k} = -Im W_k;   back V_k = e^{iπk/2C} (Z_k/s_k - i Z_{C-k}/s_{C-k}),  Z_C = 0
// so that k = 0 .. C/2 is enough.
// Cost    2.5 C log2 C flops per position and scale
// Source  J. Makhoul, A fast cosine transform in one and two dimensions, IEEE TASSP 28, 1980; WaveletLM,
//         mixer_transform
#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/config/binder.h"
#include "models/transform.h"

namespace subband::transforms::dct {

struct Config {
  void bind(Binder&) {}
};

/// The order in which v reads z, and where each channel of z stands in v.
struct Order {
  at::Tensor gather, scatter;
};

static Order even_then_odd(int64_t width, at::Device device) {
  std::vector<int64_t> gather, scatter(static_cast<size_t>(width));
  for (int64_t n = 0; n < width; n += 2) gather.push_back(n);
  for (int64_t n = width - 1 - width % 2; n >= 1; n -= 2) gather.push_back(n);
  for (size_t i = 0; i < gather.size(); ++i)
    scatter[static_cast<size_t>(gather[i])] = static_cast<int64_t>(i);
  const at::TensorOptions options = at::TensorOptions(at::kLong).device(device);
  return {at::tensor(gather, options), at::tensor(scatter, options)};
}

class Dct final : public Transform {
 public:
  Dct(const Config&, const BlockContext& context) : width_(context.padded_width) {}
  int64_t padded_width(int64_t width) const override { return width; }

  at::Tensor forward(const at::Tensor& z_C) override {
    const at::Tensor z = widened(z_C);
    const int64_t width = z.size(-1);
    const at::Tensor v = z.index_select(-1, even_then_odd(width, z.device()).gather);
    const at::Tensor half = at::fft_rfft(v) * twiddles(z, -1);
    const at::Tensor upper = at::imag(half).slice(-1, 1, 1 + (width - 1) / 2).flip(-1);
    return (at::cat({at::real(half), -upper}, -1) * scales(z)).to(z_C.scalar_type());
  }

  at::Tensor inverse(const at::Tensor& z_C) override {
    const at::Tensor wide = widened(z_C), z = wide / scales(wide);
    const int64_t width = z.size(-1), half = width / 2;
    const at::Tensor mirrored = at::constant_pad_nd(z.narrow(-1, width - half, half).flip(-1), {1, 0});
    const at::Tensor spectrum = at::complex(z.narrow(-1, 0, half + 1), -mirrored) * twiddles(z, 1);
    const at::Tensor v = at::fft_irfft(spectrum, width);
    return v.index_select(-1, even_then_odd(width, z.device()).scatter).to(z_C.scalar_type());
  }

  double flops(int64_t positions) const override {
    return 2.5 * static_cast<double>(positions * width_) * std::log2(static_cast<double>(width_));
  }

 private:
  // Half-precision Fourier transforms exist only for some devices and sizes.
  static at::Tensor widened(const at::Tensor& z) { return z.element_size() < 4 ? z.to(at::kFloat) : z; }

  // e^{sign iπk/2C} for k = 0 .. C/2, from angles in double.
  static at::Tensor twiddles(const at::Tensor& like, double sign) {
    const int64_t width = like.size(-1);
    const at::Tensor angle = at::arange(width / 2 + 1, like.options().dtype(at::kDouble)) *
                             (sign * std::numbers::pi / (2 * static_cast<double>(width)));
    return at::complex(angle.cos(), angle.sin()).to(at::toComplexType(like.scalar_type()));
  }

  static at::Tensor scales(const at::Tensor& like) {
    const double width = static_cast<double>(like.size(-1));
    at::Tensor scales = at::full({like.size(-1)}, std::sqrt(2 / width), like.options());
    scales.narrow(0, 0, 1).fill_(std::sqrt(1 / width));
    return scales;
  }

  int64_t width_;
};

void add_to(TransformRegistry& r) {
  r.add<Dct, Config>({.name = "dct",
                      .summary = "discrete cosine transform over channels, without padding",
                      .source = "Makhoul 1980; WaveletLM, mixer_transform",
                      .cost = "no parameters; 2.5 C log2(C) flops per position and scale"});
}

}  // namespace subband::transforms::dct
