// Softmax attention estimated by positive random features: linear in the length, with a state of fixed size.
//   y_i = φ(q_i)ᵀ S_i / φ(q_i)ᵀ z_i,   S = Σ φ(k_j) v_jᵀ,  z = Σ φ(k_j)   (all real tokens, or j <= i where causal)
//   softmax      φ(x) = exp(W x̂ - |x̂|²/2 - c),  x̂ = x K^(-1/4);  c cancels: it only keeps the exponentials in range
//   generalized  φ(x) = f(W x̂) + ε
//   unprojected  φ(q) = softmax over channels; φ(k) = softmax over positions, or exp(k - c) where causal
// A package takes for c the largest key of the whole sequence and adds ε behind the exponential. Then c does not
// cancel, and a large key changes all earlier outputs. Here ε is 0 and c is the largest log feature of the keys so
// far: when it grows, the state shrinks by the same factor, so nothing that comes later is seen.
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width, V of values,
//         M features, C chunk
// Cost    2 L D (H + G)(K + V) + 2 L (H + G) K M + 2 L H (C (M + V + 1) + 2 M (V + 1)) flops;
//         decoding state G (M (V + 1) + 1) values
// Source  Choromanski et al. 2021, 2009.14794; package: performer-pytorch 1.1.4
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/tensors/expect.h"
#include "models/layers/attention_heads.h"
#include "models/layers/dropout.h"
#include "models/layers/kernel_sums.h"
#include "models/layers/padding.h"
#include "models/layers/random_features.h"
#include "models/mixer.h"

namespace subband::mixers::performer {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
// Where every feature of a row underflows its weights sum to 0, and the row is 0 in place of NaN.
constexpr double kSmallestSum = 1e-30;

struct Config {
  AttentionFields attention;
  std::optional<int64_t> features;
  std::string kernel = "softmax";
  std::string activation = "relu";
  bool orthogonal = true;
  std::string row_norms = "gaussian";
  int64_t redraw = 1000;
  std::string convention = "sound";
  std::optional<double> feature_epsilon, denominator_epsilon;
  int64_t chunk = 64;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("features", features, {1, 1 << 20}, "M; null: K ln K, rounded down");
    b.choice("kernel", kernel, {"softmax", "generalized", "unprojected"},
             "what φ is, see the head of the file");
    b.choice("activation", activation, {"relu", "gelu", "softplus", "sigmoid", "elu", "exp", "identity"},
             "f of the generalized kernel; elu: elu(x) + 1");
    b.field("orthogonal", orthogonal, "rows of W are orthogonal in blocks of K");
    b.choice("row_norms", row_norms, {"gaussian", "constant"},
             "of the rows of W: as drawn (unbiased), or sqrt(K) (less variance)");
    b.field("redraw", redraw, {0, 1e12}, "training calls between two draws of W; 0: never");
    b.choice(
        "convention", convention, {"sound", "performer_pytorch"},
        "performer_pytorch: ε behind the exponential, one largest key for c, padded keys stay in the sum of "
        "weights; leaks the future through ε, and cannot decode token by token");
    b.field("feature_epsilon", feature_epsilon, {0, 1},
            "ε; null: 0 (softmax, sound), 1e-4 (softmax, performer_pytorch), 1e-3 (generalized)");
    b.field("denominator_epsilon", denominator_epsilon, {0, 1},
            "added to every feature's sum over keys; null: 1e-6 for performer_pytorch where causal, else 0");
    b.field("chunk", chunk, {1, 65536},
            "C, tokens of a chunk of the causal form; changes speed, not answers");
    b.check(!is_sound() || kernel == "generalized" || feature_epsilon.value_or(0) == 0, "feature_epsilon",
            "must be 0 for this kernel: it would leak the future; convention: performer_pytorch has it");
  }
  bool is_sound() const { return convention == "sound"; }
  bool projects() const { return kernel != "unprojected"; }
  int64_t features_of_head(const MixerContext& c) const {
    const double K = static_cast<double>(attention.width_of_head(c));
    if (!projects()) return attention.width_of_head(c);
    return features.value_or(std::max<int64_t>(1, static_cast<int64_t>(K * std::log(K))));
  }
  double epsilon() const {
    const double standard = kernel == "generalized" ? 1e-3 : is_sound() || !projects() ? 0 : 1e-4;
    return feature_epsilon.value_or(standard);
  }
};

class Performer final : public Mixer {
 public:
  Performer(const Config& config, const MixerContext& context)
      : config_(config),
        causal_(context.causal),
        heads_(*this, config.attention, context),
        noise_(context.noise) {
    rows_ = {config.features_of_head(context), heads_.head_width(), config.orthogonal,
             config.row_norms == "constant"};
    if (!config.projects()) return;
    Initializer& first = *context.initializer;
    const auto normal = [&](at::IntArrayRef shape) { return first.normal(shape, 0, 1); };
    const bool meta = first.is_meta();
    projection_ = register_buffer(
        "projection", meta ? first.empty({rows_.count, rows_.width}) : random_rows(rows_, normal));
    if (config.redraw > 0) calls_ = register_buffer("calls", first.zeros({}));
  }

  at::Tensor forward(const at::Tensor& x_BLD, const at::Tensor& keep_BL) override {
    if (is_training() && calls_.defined()) count_call();
    const Heads heads = heads_.split("performer", x_BLD, keep_BL);
    at::Tensor sums, peak;
    return merged(causal_ ? causal_features(heads, keep_BL, peak) : open_features(heads, keep_BL), sums,
                  x_BLD);
  }
  at::Tensor extend(const at::Tensor& x_BLD, MixerState& state) override {
    if (!has_step()) return Mixer::extend(x_BLD, state);
    at::Tensor& sums = state.tensors["sums"];
    if (sums.defined()) expect_shape("performer", "x", x_BLD, {sums.size(0), kAny, kAny});
    const Heads heads = heads_.split("performer", x_BLD, {}, state.position);
    state.position += x_BLD.size(1);
    at::Tensor peak;
    if (has_peak()) peak = state.tensors["peak"];
    const KernelFeatures features = causal_features(heads, {}, peak);
    if (has_peak()) state.tensors["peak"] = peak;
    return merged(features, sums, x_BLD);
  }
  at::Tensor step(const at::Tensor& x_BD, MixerState& state) override {
    if (!has_step()) return Mixer::step(x_BD, state);
    return extend(x_BD.unsqueeze(1), state).squeeze(1);
  }
  bool has_step() const override { return causal_ && config_.is_sound(); }
  int64_t state_bytes(int64_t, int64_t bytes_per_value) const override {
    if (!has_step()) return 0;
    return heads_.groups() * (rows_.count * (heads_.value_width() + 1) + (has_peak() ? 1 : 0)) *
           bytes_per_value;
  }
  double flops(int64_t length) const override {
    const KernelSizes sizes{heads_.heads(), heads_.groups(), rows_.count, heads_.value_width()};
    const int64_t projected =
        config_.projects() ? (sizes.heads + sizes.groups) * rows_.width * rows_.count : 0;
    return heads_.maps_flops(length) + 2 * static_cast<double>(length) * static_cast<double>(projected) +
           (causal_ ? causal_kernel_sums_flops(sizes, length, config_.chunk)
                    : kernel_sums_flops(sizes, length));
  }

 private:
  bool has_peak() const { return config_.kernel != "generalized"; }

  void count_call() {
    if (!noise_ || !noise_->generator.defined()) {
      throw ShapeError("performer",
                       "no generator to redraw features from; call set_generator before training, or "
                       "set redraw to 0");
    }
    const at::NoGradGuard no_gradient;
    if (calls_.add_(1).item<double>() < static_cast<double>(config_.redraw)) return;
    calls_.zero_();
    const at::Generator generator = noise_->generator;
    const auto normal = [&](at::IntArrayRef shape) {
      return at::empty(shape, at::TensorOptions(at::kFloat).device(generator.device()))
          .normal_(0, 1, generator);
    };
    projection_.copy_(random_rows(rows_, normal));
  }

  static at::Tensor wide(const at::Tensor& x) { return x.element_size() < 4 ? x.to(at::kFloat) : x; }
  at::Tensor scaled(const at::Tensor& x) const {
    return wide(x) * std::pow(static_cast<double>(heads_.head_width()), -0.25);
  }
  at::Tensor projected(const at::Tensor& x) const { return at::matmul(scaled(x), wide(projection_).t()); }

  at::Tensor activated(const at::Tensor& x) const {
    const std::string& f = config_.activation;
    if (f == "relu") return at::relu(x);
    if (f == "gelu") return at::gelu(x);
    if (f == "softplus") return at::softplus(x);
    if (f == "sigmoid") return at::sigmoid(x);
    if (f == "elu") return at::elu(x).add(1);
    return f == "exp" ? at::exp(x) : x;
  }
  // log φ without a stabiliser, of keys. The unprojected kernel takes the channels themselves.
  at::Tensor log_of(const at::Tensor& k) const {
    return config_.projects() ? log_features(scaled(k), wide(projection_)) : wide(k);
  }
  // What is common to a row of queries cancels, its norm too.
  at::Tensor of_queries(const at::Tensor& q) const {
    if (config_.kernel == "generalized") return activated(projected(q)) + config_.epsilon();
    if (!config_.projects()) return at::softmax(wide(q), -1);
    if (!config_.is_sound()) return stabilized(q, -1);
    const at::Tensor log = projected(q);
    return (log - log.amax(-1, true).detach()).exp();
  }
  // performer-pytorch: exp(W x̂ - |x̂|²/2 - c) + ε; c is the largest W x̂ along `axes`, a constant to the gradient.
  at::Tensor stabilized(const at::Tensor& x, at::IntArrayRef axes) const {
    const at::Tensor p = projected(x), norms = scaled(x).square().sum(-1, true).div(2);
    return ((p - norms - p.amax(axes, true).detach()).exp() + config_.epsilon()) *
           std::pow(static_cast<double>(rows_.count), -0.5);
  }
  // All of a package's keys, for causal and open forms alike.
  at::Tensor package_keys(const at::Tensor& k) const {
    if (!config_.projects()) return causal_ ? wide(k).exp() : at::softmax(wide(k), 1);
    return stabilized(k, {1, 3});
  }

  KernelFeatures open_features(const Heads& heads, const at::Tensor& keep_BL) const {
    KernelFeatures features{of_queries(heads.q_BLHK), {}, silenced(heads.v_BLGV, keep_BL), {}};
    if (config_.kernel == "generalized") {
      features.keys_BLGM = activated(projected(heads.k_BLGK)) + config_.epsilon();
    } else if (!config_.is_sound()) {
      features.keys_BLGM = package_keys(heads.k_BLGK);
    } else {
      const at::Tensor log = log_of(heads.k_BLGK);
      const at::Tensor seen =
          keep_BL.defined()
              ? log.masked_fill(keep_BL.logical_not().unsqueeze(-1).unsqueeze(-1), kMinusInfinity)
              : log;
      const at::Tensor peak = seen.detach().amax({1, 3}, true);
      // A sequence without any real token has no largest key.
      features.keys_BLGM =
          config_.projects() ? (seen - peak.masked_fill(peak.isinf(), 0)).exp() : at::_safe_softmax(seen, 1);
    }
    if (config_.is_sound()) features.keys_BLGM = silenced(features.keys_BLGM, keep_BL);
    return features;
  }

  // `peak` [B,G], the largest log feature so far, goes in and out; undefined before the first token.
  KernelFeatures causal_features(const Heads& heads, const at::Tensor& keep_BL, at::Tensor& peak) const {
    if (config_.kernel == "generalized" || !config_.is_sound()) return open_features(heads, keep_BL);
    const at::Tensor log = log_of(silenced(heads.k_BLGK, keep_BL));
    at::Tensor peaks = std::get<0>(log.detach().amax(-1).cummax(1));
    if (peak.defined()) peaks = at::maximum(peaks, peak.unsqueeze(1));
    const at::Tensor before = peak.defined() ? peak.unsqueeze(1) : peaks.narrow(1, 0, 1);
    const int64_t L = peaks.size(1);
    peak = peaks.select(1, L - 1);
    return {of_queries(heads.q_BLHK), silenced((log - peaks.unsqueeze(-1)).exp(), keep_BL),
            silenced(heads.v_BLGV, keep_BL), at::cat({before, peaks.narrow(1, 0, L - 1)}, 1) - peaks};
  }

  at::Tensor merged(const KernelFeatures& features, at::Tensor& state, const at::Tensor& x_BLD) const {
    const at::Tensor sums =
        causal_ ? causal_kernel_sums(features, config_.chunk, state) : kernel_sums(features);
    const double epsilon = config_.denominator_epsilon.value_or(config_.is_sound() || !causal_ ? 0 : 1e-6);
    const int64_t V = heads_.value_width();
    const at::Tensor weights = sums.narrow(-1, V, 1) + features.queries_BLHM.sum(-1, true) * epsilon;
    const at::Tensor y = sums.narrow(-1, 0, V) /
                         (config_.is_sound() && has_peak() ? weights.clamp_min(kSmallestSum) : weights);
    return heads_.merge(y.to(x_BLD.scalar_type()));
  }

  Config config_;
  bool causal_;
  AttentionHeads heads_;
  RandomRows rows_;
  std::shared_ptr<const Noise> noise_;
  at::Tensor projection_, calls_;  ///< W [M,K]; training calls since it was drawn, where it is redrawn
};

void add_to(MixerRegistry& r);
void add_to(MixerRegistry& r) {
  r.add<Performer, Config>(
      {.name = "performer",
       .summary = "softmax attention estimated by positive orthogonal random features",
       .source = "Choromanski et al. 2021, arXiv 2009.14794",
       .cost = "8 L D^2 + 4 L D M + 2 L H (C (M + V) + 2 M V) flops, state G (M (V + 1) + 1)"});
}

}  // namespace subband::mixers::performer
