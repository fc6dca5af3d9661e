// A gated linear map per scale, wider or narrower than the coefficients, with a low-rank path beside the gate.
//   y_s = (X M_sᵀ) ⊙ act(G K_sᵀ) + (X V_s) U_sᵀ [+ b_s],   X = z_s P_sᵀ, G = g_s P_sᵀ,   then y_s O_sᵀ
// P, O only where the scale's width w_s differs from Cp; g = z, or with routing g_r = sum_s R[r,s] z_s. With
// `phase` the result is turned up or down by 1 + tanh(γ_s) cos(φ_s - φ_{s-1}), φ the phase of channel pairs of
// z. With depth D > 1 there are D such maps in a row, all of full width and gated by their own input:
//   d < D-1:  y = α_d mix_d(β_d LN_d(z)), with a bias;   d = D-1:  y = mix_d(z);   z = y, or z + y with residuals
// Shapes  S scales, B batch, L length, N = B L, C = Cp, w width of a scale, r rank; M, K [w,w]; U, V [w,r];
//         P [w,C]; O [C,w]; R [S,S]
// Cost    sum_s 2 w_s² + 2 r w_s + 2 Cp w_s parameters, D times that; twice as many flops per position
// Source  WaveletLM, gated spectral mixer; `exponential` and `phase`: ours, from its author's plans
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/layers/norms/scale_norm.h"
#include "models/layers/projection.h"
#include "models/scale_mixer.h"
#include "models/scale_mixers/matrices.h"

namespace subband::scale_mixers::gated {

constexpr double kSmallestSize = 1e-12;  // keeps the phase of nothing at a right angle

struct Config {
  MatricesConfig matrices;
  std::vector<double> widths;
  bool routing = false;
  int64_t depth = 1;
  bool depth_stabilizers = false;
  bool depth_residuals = false;
  bool phase = false;

  void bind(Binder& b, const BlockContext& c) {
    b.choice("gate", matrices.gate, {"none", "sigmoid", "silu", "gelu", "relu"},
             "activation of the multiplicative gate (original: use_mixer_gate, mixer_gate_activation)");
    b.field("low_rank", matrices.low_rank, {0, 65536}, "r, rank of the path beside the gate; 0: none");
    b.field("bias", matrices.bias, "a bias beside the gate; of all but the last of several maps in any case");
    b.field("exponential", matrices.exponential,
            "M = 1 + diag(exp θ) N with a learned θ that starts at the logarithm of the usual noise; ours");
    b.check(!matrices.exponential || !c.stabilizers.spectral_norm, "exponential",
            "cannot stand with the stabilizer spectral_norm: both would scale M");
    b.field("widths", widths, {0.0, 64.0, true},
            "width of each scale over that of the coefficients, coarsest first; empty: all full; not read "
            "with depth > 1 (original: per_scale_mixer_widths)");
    b.check(widths.empty() || static_cast<int64_t>(widths.size()) == c.scales(), "widths",
            "must have one number per scale, levels + 1 = " + std::to_string(c.scales()));
    b.field("routing", routing,
            "the gate sees a learned mixture of all scales; its matrix idles with depth > 1 (original: "
            "cross_scale_gating)");
    b.field("depth", depth, {1, 64}, "D, maps in a row (original: mixer_depth)");
    b.field("depth_stabilizers", depth_stabilizers,
            "learned factors α, β = 1/D around all but the last map, and less noise in later ones (original: "
            "mixer_depth_stabilizers)");
    b.field("depth_residuals", depth_residuals,
            "every map adds to what it read (original: mixer_depth_residuals)");
    b.field("phase", phase,
            "each scale is turned up where it is in phase with the next coarser one, by learned gains that "
            "start at zero; pairs of channels count as complex numbers; ours");
  }
};

/// Neighbouring scales of one width, which are computed together.
struct Run {
  size_t first;
  int64_t count;
};

/// One map of every scale.
struct Stage {
  std::vector<std::shared_ptr<Matrices>> matrices;
  std::vector<std::shared_ptr<Projection>> proj_in, proj_out;  ///< null where the width is the coefficients'
  std::vector<Run> runs;
  std::shared_ptr<ScaleNorms> norms;  ///< of all but the last stage
  at::Tensor alpha, beta;             ///< undefined without stabilisers
};

class Gated final : public ScaleMixer {
 public:
  Gated(const Config& config, const BlockContext& context) : config_(config), width_(context.padded_width) {
    if (config_.routing)
      routing_ = add_parameter("routing", context.initializer->eye(context.scales(), context.scales()),
                               {.role = Role::router});
    if (config_.phase)
      phase_gains_ =
          add_parameter("phase_gains", context.initializer->zeros({context.levels, context.padded_width / 2}),
                        {.role = Role::gain});
    if (config_.depth > 1)
      add_stages(context);
    else
      add_scales(context);
  }

  at::Tensor forward(const at::Tensor& z_SBLC) override {
    if (is_one_product()) return mix(stages_[0].matrices, config_.matrices.gate, z_SBLC, z_SBLC);
    at::Tensor x = z_SBLC.flatten(1, 2);
    const at::Tensor factors = phase_gains_.defined() ? phase_factors(x) : at::Tensor();
    x = stages_.size() == 1 ? single(x) : deep(x);
    return (factors.defined() ? x * factors : x).view_as(z_SBLC);
  }

  double flops(int64_t length) const override {
    const bool routed = stages_.size() == 1 && config_.routing && config_.matrices.gate != "none";
    double sum = routed ? 2.0 * static_cast<double>(routing_.numel() * width_) : 0;  // per position
    for (const Stage& stage : stages_) {
      for (const auto& matrices : stage.matrices) sum += matrices->flops();
      for (const auto& map : stage.proj_in)
        if (map) sum += (routed ? 3 : 2) * map->flops(1);
    }
    return sum * static_cast<double>(length);
  }

 private:
  // One map of every scale, all as wide as the coefficients, each gated by what it reads.
  bool is_one_product() const {
    const Stage& stage = stages_[0];
    return stages_.size() == 1 && !phase_gains_.defined() && !config_.routing && stage.runs.size() == 1 &&
           !stage.proj_in[0] && config_.matrices.gate != "none" &&
           std::ranges::all_of(stage.matrices, [](const auto& each) { return each->is_plain(); });
  }
  void add_scales(const BlockContext& context) {
    stages_.emplace_back();
    const auto list = register_module("scales", std::make_shared<torch::nn::Module>("scales"));
    for (int64_t scale = 0; scale < context.scales(); ++scale) add_scale(*list, scale, context);
  }

  at::Tensor deep(const at::Tensor& z_SNC) {
    at::Tensor x = z_SNC;
    for (const Stage& stage : stages_) {
      at::Tensor in = stage.norms ? stage.norms->forward(x) : x;
      if (stage.beta.defined()) in = stage.beta * in;
      at::Tensor y = mix(stage.matrices, config_.matrices.gate, in, in);
      if (stage.alpha.defined()) y = stage.alpha * y;
      x = config_.depth_residuals ? x + y : y;
    }
    return x;
  }

  // 1 + tanh(γ) cos(φ_s - φ_{s-1}); 1 for the coarsest scale and for a channel without a partner.
  at::Tensor phase_factors(const at::Tensor& z_SNC) const {
    const int64_t levels = z_SNC.size(0) - 1, pairs = z_SNC.size(2) / 2;
    const at::Tensor z = z_SNC.narrow(2, 0, 2 * pairs).unflatten(2, {pairs, 2});
    const at::Tensor fine = z.narrow(0, 1, levels), coarse = z.narrow(0, 0, levels);
    const at::Tensor sizes = fine.square().sum(-1) * coarse.square().sum(-1);
    const at::Tensor cosine = (fine * coarse).sum(-1) / (sizes + kSmallestSize).sqrt();
    const at::Tensor moved = (phase_gains_.tanh().unsqueeze(1) * cosine).repeat_interleave(2, -1);
    return at::constant_pad_nd(moved, {0, z_SNC.size(2) - 2 * pairs, 0, 0, 1, 0}) + 1;
  }

  void add_stages(const BlockContext& context) {
    const auto list = register_module("stages", std::make_shared<torch::nn::Module>("stages"));
    const double share = 1 / static_cast<double>(config_.depth);
    for (int64_t depth = 0; depth < config_.depth; ++depth) {
      const auto owner = list->register_module(std::to_string(depth), std::make_shared<Module>("stage"));
      const bool last = depth == config_.depth - 1;
      MatricesConfig matrices = config_.matrices;
      matrices.bias |= !last;
      if (config_.depth_stabilizers) matrices.noise /= static_cast<double>(depth + 1);
      Stage stage;
      const auto scales = owner->register_module("scales", std::make_shared<torch::nn::Module>("scales"));
      for (int64_t scale = 0; scale < context.scales(); ++scale) {
        matrices.scale = scale;
        stage.matrices.push_back(scales->register_module(
            std::to_string(scale), std::make_shared<Matrices>(matrices, context.padded_width, context)));
      }
      if (!last) {
        stage.norms = owner->register_module(
            "norms",
            std::make_shared<ScaleNorms>(*context.initializer, context.scales(), context.padded_width));
        if (config_.depth_stabilizers) {
          stage.beta =
              owner->add_parameter("beta", context.initializer->full({}, share), {.role = Role::gain});
          stage.alpha =
              owner->add_parameter("alpha", context.initializer->full({}, share), {.role = Role::gain});
        }
      }
      stages_.push_back(std::move(stage));
    }
  }

  // Only where widths are given does a wrapper stand around the matrices of a scale.
  void add_scale(torch::nn::Module& list, int64_t scale, const BlockContext& context) {
    Stage& stage = stages_[0];
    const int64_t full = context.padded_width;
    const std::string name = std::to_string(scale);
    stage.proj_in.emplace_back(), stage.proj_out.emplace_back();
    int64_t width = full;
    MatricesConfig matrices = config_.matrices;
    matrices.scale = scale;
    if (config_.widths.empty()) {
      stage.matrices.push_back(
          list.register_module(name, std::make_shared<Matrices>(matrices, full, context)));
    } else {
      const double wanted = static_cast<double>(full) * config_.widths[static_cast<size_t>(scale)];
      width = std::max<int64_t>(1, static_cast<int64_t>(wanted));
      const auto owner = list.register_module(name, std::make_shared<torch::nn::Module>("scale"));
      if (width != full) add_projections(*owner, stage, {scale, width}, context);
      stage.matrices.push_back(
          owner->register_module("mixer", std::make_shared<Matrices>(matrices, width, context)));
    }
    if (width != last_width_) stage.runs.push_back({static_cast<size_t>(scale), 0});
    ++stage.runs.back().count;
    last_width_ = width;
  }

  struct Narrow {
    int64_t scale, width;
  };
  static void add_projections(torch::nn::Module& owner, Stage& stage, Narrow narrow,
                              const BlockContext& context) {
    Initializer& initializer = *context.initializer;
    const auto add = [&](const char* name, int64_t in, int64_t out) {
      const ProjectionPlan plan{
          .purpose = {.role = Role::hidden_projection, .own_start = true, .scale = narrow.scale},
          .in = in,
          .out = out,
          .bias = false};
      return owner.register_module(name, std::make_shared<Projection>(initializer, plan));
    };
    const auto start = [&](const Projection& projection) {
      initializer.normal_(projection.first_weight(), 0, 1 / std::sqrt(static_cast<double>(projection.in())));
    };
    stage.proj_in.back() = add("proj_in", context.padded_width, narrow.width);
    stage.proj_out.back() = add("proj_out", narrow.width, context.padded_width);
    start(*stage.proj_in.back());
    start(*stage.proj_out.back());
  }

  // Shapes  z [S,N,C] -> [S,N,C]
  at::Tensor single(const at::Tensor& z_SNC) {
    const Stage& stage = stages_[0];
    const bool routed = config_.routing && config_.matrices.gate != "none";
    const at::Tensor g_SNC = routed ? at::mm(routing_, z_SNC.flatten(1)).view_as(z_SNC) : z_SNC;
    if (stage.runs.size() == 1) return run_of(stage.runs[0], z_SNC, g_SNC);
    std::vector<int64_t> counts;
    for (const Run& run : stage.runs) counts.push_back(run.count);
    const auto z = z_SNC.split_with_sizes(counts);
    const auto g = routed ? g_SNC.split_with_sizes(counts) : z;
    std::vector<at::Tensor> mixed;
    for (size_t i = 0; i < stage.runs.size(); ++i) mixed.push_back(run_of(stage.runs[i], z[i], g[i]));
    return at::cat(mixed);
  }

  // Shapes  z, g [count,N,C] -> [count,N,C]
  at::Tensor run_of(const Run& run, const at::Tensor& z, const at::Tensor& g) {
    const Stage& stage = stages_[0];
    const auto count = static_cast<size_t>(run.count);
    const std::span matrices(stage.matrices.data() + run.first, count);
    if (!stage.proj_in[run.first]) return mix(matrices, config_.matrices.gate, z, g);
    const auto times = [&](const at::Tensor& x, const std::vector<std::shared_ptr<Projection>>& maps) {
      return apply_each(std::span(maps.data() + run.first, count), x);
    };
    const at::Tensor x = times(z, stage.proj_in);
    const at::Tensor gate_input = g.is_same(z) ? x : times(g, stage.proj_in);
    return times(mix(matrices, config_.matrices.gate, x, gate_input), stage.proj_out);
  }

  Config config_;
  std::vector<Stage> stages_;
  int64_t width_;  // Cp
  int64_t last_width_ = -1;
  at::Tensor routing_, phase_gains_;
};

void add_to(ScaleMixerRegistry& r) {
  r.add<Gated, Config>({.name = "gated",
                        .summary = "a gated linear map per scale with a low-rank path beside the gate",
                        .source = "WaveletLM, gated spectral mixer",
                        .cost = "sum over scales of 2 w^2 + 2 r w (+ 2 Cp w where narrow) parameters",
                        .version = 2});
}

}  // namespace subband::scale_mixers::gated
