// A learned orthogonal transform over channels: log2(Cp) layers of plane rotations in the pattern of a fast transform.
//   layer s, h = 2^s, pairs (i, i + h) inside groups of 2h:  [a', b'] = [a cos θ - b sin θ, a sin θ + b cos θ]
// The inverse turns back, last layer first. At θ = π/4 everywhere every output weighs all inputs alike in magnitude,
// as a Walsh-Hadamard transform does; at 0 it is the identity.
// Shapes  angles [log2 Cp, Cp/2], pair number in the order of i
// Cost    log2(Cp) Cp/2 parameters; 3 Cp log2 Cp flops per position and scale
// Source  T. Dao et al., Learning fast algorithms using butterfly factorizations, arXiv 1903.05895, rotations only;
//         WaveletLM, mixer_transform = learned_butterfly
#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>

#include <bit>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/transform.h"

namespace subband::transforms::butterfly {

struct Config {
  std::string init = "hadamard";

  void bind(Binder& b) {
    b.choice("init", init, {"hadamard", "identity"},
             "first angles: π/4, which mixes all channels evenly, or 0, which mixes none");
  }
};

class Butterfly final : public Transform {
 public:
  Butterfly(const Config& config, const BlockContext& context) {
    const auto width = static_cast<uint64_t>(padded_width(context.padded_width));
    angles_ = add_parameter("angles",
                            context.initializer->full({static_cast<int64_t>(std::bit_width(width)) - 1,
                                                       static_cast<int64_t>(width / 2)},
                                                      config.init == "hadamard" ? std::numbers::pi / 4 : 0.0),
                            {.role = Role::filter});
  }
  int64_t padded_width(int64_t width) const override {
    return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(width)));
  }
  at::Tensor forward(const at::Tensor& z_C) override {
    at::Tensor z = z_C;
    for (int64_t layer = 0; layer < angles_.size(0); ++layer) z = rotated(z, layer, 1);
    return z;
  }
  at::Tensor inverse(const at::Tensor& z_C) override {
    at::Tensor z = z_C;
    for (int64_t layer = angles_.size(0) - 1; layer >= 0; --layer) z = rotated(z, layer, -1);
    return z;
  }

  double flops(int64_t positions) const override {
    return 6.0 * static_cast<double>(positions * angles_.numel());
  }

 private:
  at::Tensor rotated(const at::Tensor& z_C, int64_t layer, double sign) const {
    const int64_t half = int64_t{1} << layer, groups = z_C.size(-1) / (2 * half);
    const at::Tensor angles = angles_.select(0, layer).view({groups, half}).to(z_C.scalar_type());
    const at::Tensor cosine = angles.cos(), sine = angles.sin() * sign;
    std::vector<int64_t> split = z_C.sizes().vec();
    split.back() = groups;
    split.insert(split.end(), {2, half});
    const at::Tensor z = z_C.reshape(split), a = z.select(-2, 0), b = z.select(-2, 1);
    return at::stack({a * cosine - b * sine, a * sine + b * cosine}, -2).view(z_C.sizes());
  }

  at::Tensor angles_;
};

void add_to(TransformRegistry& r) {
  r.add<Butterfly, Config>({.name = "butterfly",
                            .summary = "learned rotations in the pattern of a fast transform",
                            .source = "Dao et al., arXiv 1903.05895; WaveletLM, mixer_transform",
                            .cost = "log2(Cp) Cp/2 parameters; 3 Cp log2(Cp) flops per position and scale"});
}

}  // namespace subband::transforms::butterfly
