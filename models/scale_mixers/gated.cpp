// A gated linear map per scale, wider or narrower than the coefficients, with a low-rank path beside the gate.
//   y_s = (X M_sᵀ) ⊙ act(G K_sᵀ) + (X V_s) U_sᵀ,   X = z_s P_sᵀ, G = g_s P_sᵀ,   then y_s O_sᵀ
// P, O only where the scale's width w_s differs from Cp; g = z, or with routing g_r = sum_s R[r,s] z_s.
// Shapes  S scales, B batch, L length, N = B L, C = Cp, w width of a scale, r rank; M, K [w,w]; U, V [w,r];
//         P [w,C]; O [C,w]; R [S,S]
// Cost    sum_s 2 w_s² + 2 r w_s + 2 Cp w_s parameters; twice as many flops per position
// Source  WaveletLM, gated spectral mixer
#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/layers/linear.h"
#include "models/scale_mixer.h"

namespace subband::scale_mixers::gated {

constexpr double kNoise = 1e-3;  // deviation of M around the identity
constexpr double kGateDeviation = 0.02;
constexpr double kLowRankDeviation = 0.01;

struct Config {
  std::string gate = "silu";
  int64_t low_rank = 0;
  std::vector<double> widths;
  bool routing = false;

  void bind(Binder& b, const BlockContext& c) {
    b.choice("gate", gate, {"none", "sigmoid", "silu", "gelu", "relu"},
             "activation of the multiplicative gate (original: use_mixer_gate, mixer_gate_activation)");
    b.field("low_rank", low_rank, {0, 65536}, "r, rank of the path beside the gate; 0: none");
    b.field("widths", widths, {0.0, 64.0, true},
            "width of each scale over that of the coefficients, coarsest first; empty: all full "
            "(original: per_scale_mixer_widths)");
    b.check(widths.empty() || static_cast<int64_t>(widths.size()) == c.scales(), "widths",
            "must have one number per scale, levels + 1 = " + std::to_string(c.scales()));
    b.field("routing", routing,
            "the gate sees a learned mixture of all scales (original: cross_scale_gating)");
  }
};

static at::Tensor activate(const at::Tensor& x, const std::string& gate) {
  if (gate == "sigmoid") return at::sigmoid(x);
  if (gate == "silu") return at::silu(x);
  if (gate == "gelu") return at::gelu(x);
  return at::relu(x);
}

/// M, K, U and V of one scale.
class Matrices final : public torch::nn::Module {
 public:
  Matrices(const Config& config, int64_t width, const BlockContext& context) {
    Initializer& initializer = *context.initializer;
    mixer = register_module("mixer", std::make_shared<Linear>(initializer, width, width, false));
    if (config.gate != "none")
      gate = register_module("gate", std::make_shared<Linear>(initializer, width, width, false));
    double noise = kNoise;
    if (context.stabilizers.mixer_epsilon) noise /= std::sqrt(static_cast<double>(width));
    mixer->weight.detach().copy_(initializer.eye(width, width) +
                                 initializer.normal({width, width}, 0, 1) * noise);
    if (gate) initializer.normal_(gate->weight, 0, kGateDeviation);
    if (config.low_rank == 0) return;
    u = register_parameter("U", initializer.normal({width, config.low_rank}, 0, kLowRankDeviation));
    v = register_parameter("V", initializer.normal({width, config.low_rank}, 0, kLowRankDeviation));
  }
  std::shared_ptr<Linear> mixer, gate;
  at::Tensor u, v;
};

/// One scale; only where widths are given does a wrapper stand around its mixer.
struct Scale {
  std::shared_ptr<Matrices> mixer;
  std::shared_ptr<Linear> proj_in, proj_out;  ///< where the width is not that of the coefficients
};

/// Neighbouring scales of one width, which are computed together.
struct Run {
  size_t first;
  int64_t count;
};

class Gated final : public ScaleMixer {
 public:
  Gated(const Config& config, const BlockContext& context) : config_(config), width_(context.padded_width) {
    const auto list = register_module("scale_mixers", std::make_shared<torch::nn::Module>("scale_mixers"));
    int64_t previous_width = -1;
    if (config_.routing)
      routing_ =
          register_parameter("scale_routing", context.initializer->eye(context.scales(), context.scales()));
    for (int64_t scale = 0; scale < context.scales(); ++scale) {
      const int64_t width = add_scale(*list, scale, context);
      if (width != previous_width) runs_.push_back({static_cast<size_t>(scale), 0});
      ++runs_.back().count;
      previous_width = width;
    }
  }

  at::Tensor forward(const at::Tensor& z_SBLC) override {
    const at::Tensor z_SNC = z_SBLC.flatten(1, 2);
    const bool routed = config_.routing && config_.gate != "none";
    const at::Tensor g_SNC = routed ? at::mm(routing_, z_SNC.flatten(1)).view_as(z_SNC) : z_SNC;
    if (runs_.size() == 1) return mix(runs_[0], z_SNC, g_SNC).view_as(z_SBLC);
    std::vector<int64_t> counts;
    for (const Run& run : runs_) counts.push_back(run.count);
    const auto z = z_SNC.split_with_sizes(counts);
    const auto g = routed ? g_SNC.split_with_sizes(counts) : z;
    std::vector<at::Tensor> mixed;
    for (size_t i = 0; i < runs_.size(); ++i) mixed.push_back(mix(runs_[i], z[i], g[i]));
    return at::cat(mixed).view_as(z_SBLC);
  }

  double flops(int64_t length) const override {
    double values = 0;  // of the matrices that a position is multiplied with
    const bool routed = config_.routing && config_.gate != "none";
    for (const Scale& scale : scales_) {
      values += static_cast<double>(scale.mixer->mixer->weight.numel());
      if (scale.mixer->gate) values += static_cast<double>(scale.mixer->gate->weight.numel());
      if (scale.mixer->u.defined()) values += 2.0 * static_cast<double>(scale.mixer->u.numel());
      if (scale.proj_in) values += (routed ? 3.0 : 2.0) * static_cast<double>(scale.proj_in->weight.numel());
    }
    if (routed) values += static_cast<double>(routing_.numel() * width_);
    return 2 * static_cast<double>(length) * values;
  }

 private:
  int64_t add_scale(torch::nn::Module& list, int64_t scale, const BlockContext& context) {
    const int64_t full = context.padded_width;
    if (config_.widths.empty()) {
      scales_.push_back({.mixer = std::make_shared<Matrices>(config_, full, context)});
      list.register_module(std::to_string(scale), scales_.back().mixer);
      return full;
    }
    const double wanted = static_cast<double>(full) * config_.widths[static_cast<size_t>(scale)];
    const int64_t width = std::max<int64_t>(1, static_cast<int64_t>(wanted));
    const auto owner =
        list.register_module(std::to_string(scale), std::make_shared<torch::nn::Module>("scale"));
    Scale made;
    if (width != full) {
      Initializer& initializer = *context.initializer;
      made.proj_in =
          owner->register_module("proj_in", std::make_shared<Linear>(initializer, full, width, false));
      made.proj_out =
          owner->register_module("proj_out", std::make_shared<Linear>(initializer, width, full, false));
      initializer.normal_(made.proj_in->weight, 0, 1 / std::sqrt(static_cast<double>(full)));
      initializer.normal_(made.proj_out->weight, 0, 1 / std::sqrt(static_cast<double>(width)));
    }
    made.mixer = owner->register_module("mixer", std::make_shared<Matrices>(config_, width, context));
    scales_.push_back(made);
    return width;
  }

  // One batched product per matrix for all scales of the run.  Shapes  z, g [count,N,C] -> [count,N,C]
  at::Tensor mix(const Run& run, const at::Tensor& z, const at::Tensor& g) const {
    const auto stacked = [&](auto&& tensor_of) {
      std::vector<at::Tensor> tensors;
      for (size_t i = run.first; i < run.first + static_cast<size_t>(run.count); ++i)
        tensors.push_back(tensor_of(scales_[i]));
      return at::stack(tensors);
    };
    const auto times = [&](const at::Tensor& x, const at::Tensor& weights) {
      return at::bmm(x, weights.transpose(1, 2));
    };
    const bool narrow = scales_[run.first].proj_in != nullptr;
    at::Tensor x = z, gate_input = g;
    if (narrow) {
      const at::Tensor proj_in = stacked([](const Scale& s) { return s.proj_in->weight; });
      x = times(z, proj_in);
      gate_input = g.is_same(z) ? x : times(g, proj_in);
    }
    at::Tensor y = times(x, stacked([](const Scale& s) { return s.mixer->mixer->weight; }));
    if (config_.gate != "none") {
      const at::Tensor gates = stacked([](const Scale& s) { return s.mixer->gate->weight; });
      y = y * activate(times(gate_input, gates), config_.gate);
    }
    if (config_.low_rank > 0) {
      const at::Tensor low = at::bmm(x, stacked([](const Scale& s) { return s.mixer->v; }));
      y = at::baddbmm(y, low, stacked([](const Scale& s) { return s.mixer->u; }).transpose(1, 2));
    }
    return narrow ? times(y, stacked([](const Scale& s) { return s.proj_out->weight; })) : y;
  }

  Config config_;
  int64_t width_;  // Cp
  std::vector<Scale> scales_;
  std::vector<Run> runs_;
  at::Tensor routing_;
};

void add_to(ScaleMixerRegistry& r);
void add_to(ScaleMixerRegistry& r) {
  r.add<Gated, Config>({.name = "gated",
                        .summary = "a gated linear map per scale with a low-rank path beside the gate",
                        .source = "WaveletLM, gated spectral mixer",
                        .cost = "sum over scales of 2 w^2 + 2 r w (+ 2 Cp w where narrow) parameters"});
}

}  // namespace subband::scale_mixers::gated
