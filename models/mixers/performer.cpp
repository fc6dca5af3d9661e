// Softmax attention estimated by positive random features: linear in the length, with a state of fixed size.
//   y_i = φ(q_i)ᵀ S_i / φ(q_i)ᵀ z_i,   S = Σ φ(k_j) v_jᵀ,  z = Σ φ(k_j)   (all tokens, or j <= i)
// performer_features.h says what φ is, and why the package's stabiliser is not taken.
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width, V of values,
//         M features, C chunk
// Cost    2 L D (H + G)(K + V) + 2 L (H + G) K M + 2 L H (C (M + V + 1) + 2 M (V + 1)) flops;
//         decoding state G (M (V + 1) + 1) values
// Source  Choromanski et al. 2021, 2009.14794; package: performer-pytorch 1.1.4
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/ops/recurrence/weighted_mean.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/attention/kernel_sums.h"
#include "models/layers/attention/random_features.h"
#include "models/layers/dropout.h"
#include "models/mixer.h"
#include "models/mixers/performer_features.h"

namespace subband::mixers::performer {

// Where every feature of a row underflows its weights sum to 0, and the row is 0 in place of NaN; likewise where no
// feature answers, or nothing is real.
constexpr double kSmallestSum = 1e-30;

struct Config {
  AttentionFields attention;
  PerformerKernel kernel;
  std::optional<int64_t> features;
  bool orthogonal = true;
  std::string row_norms = "gaussian";
  int64_t redraw = 1000;
  std::optional<double> denominator_epsilon;
  int64_t chunk = 64;

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("features", features, {1, 1 << 20}, "M; null: K ln K, rounded down");
    kernel.bind(b);
    b.field("orthogonal", orthogonal, "rows of W are orthogonal in blocks of K");
    b.choice("row_norms", row_norms, {"gaussian", "constant"},
             "of the rows of W: as drawn (unbiased), or sqrt(K) (less variance)");
    b.field("redraw", redraw, {0, 1e12}, "training calls between two draws of W; 0: never");
    b.field("denominator_epsilon", denominator_epsilon, {0, 1},
            "added to every feature's sum over keys; null: 1e-6 for performer_pytorch where causal, else 0");
    b.field("chunk", chunk, {1, 65536},
            "C, tokens of a chunk of the causal form; changes speed, not answers");
  }
  RandomRows rows(const MixerContext& c) const {
    const int64_t K = attention.width_of_head(c);
    const double standard = static_cast<double>(K) * std::log(static_cast<double>(K));
    const int64_t M = features.value_or(std::max<int64_t>(1, static_cast<int64_t>(standard)));
    return {kernel.projects() ? M : K, K, orthogonal, row_norms == "constant"};
  }
};

class Performer final : public Mixer {
 public:
  Performer(const Config& config, const MixerContext& context)
      : config_(config),
        causal_(context.causal),
        heads_(*this, config.attention, context),
        rows_(config.rows(context)),
        noise_(context.noise),
        projection_(drawn(*context.initializer)),
        features_(config.kernel, projection_) {
    if (!projection_.defined()) return;
    register_buffer("projection", projection_);
    if (config.redraw > 0) calls_ = register_buffer("calls", context.initializer->zeros({}));
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    if (!can_continue()) refuse_state("performer", pass);
    if (is_training() && calls_.defined()) count_call();
    const Heads heads = heads_.split("performer", x_BLD, pass);
    LayerState* memory = pass.memory();
    at::Tensor sums, peak;
    if (memory) sums = memory->value("sums"), peak = memory->value("peak");
    const at::Tensor y = merged(
        causal_ ? features_.so_far(heads, pass.keep_BL, peak) : features_.of_all(heads, pass.keep_BL), sums, x_BLD);
    if (memory) memory->put("sums", sums);
    if (memory && peak.defined()) memory->put("peak", peak);
    return y;
  }
  bool can_continue() const override { return causal_ && config_.kernel.is_sound(); }
  int64_t state_bytes(int64_t, int64_t bytes_per_value) const override {
    if (!can_continue()) return 0;
    return heads_.groups() * (rows_.count * (heads_.value_width() + 1) + (config_.kernel.has_peak() ? 1 : 0)) *
           sum_bytes(bytes_per_value);
  }
  double flops(int64_t length) const override {
    const KernelSizes sizes{heads_.heads(), heads_.groups(), rows_.count, heads_.value_width()};
    const int64_t projected =
        config_.kernel.projects() ? (sizes.heads + sizes.groups) * rows_.width * rows_.count : 0;
    return heads_.maps_flops(length) + 2 * static_cast<double>(length) * static_cast<double>(projected) +
           (causal_ ? causal_kernel_sums_flops(sizes, length, config_.chunk)
                    : kernel_sums_flops(sizes, length));
  }

 private:
  at::Tensor drawn(Initializer& first) const {
    if (!config_.kernel.projects()) return {};
    if (first.is_meta()) return first.empty({rows_.count, rows_.width});
    return random_rows(rows_, [&](at::IntArrayRef shape) { return first.normal(shape, 0, 1); });
  }

  void count_call() {
    if (!noise_ || !noise_->generator.defined()) {
      throw ShapeError("performer",
                       "no generator to redraw features from; call set_generator before training, or "
                       "set redraw to 0");
    }
    if (calls_.is_meta()) return;  // shapes alone: nothing counts
    const at::NoGradGuard no_gradient;
    if (!is_due()) return;
    const at::Generator generator = noise_->generator;
    const auto normal = [&](at::IntArrayRef shape) {
      return at::empty(shape, at::TensorOptions(at::kFloat).device(generator.device()))
          .normal_(0, 1, generator);
    };
    projection_.copy_(random_rows(rows_, normal));
  }

  // A pass that backward repeats draws what it drew the first time, and does not count.
  bool is_due() {
    Replay* const replay = noise_->replay;
    if (replay && replay->repeating) return replay->kept.at(replay->next++).defined();
    const bool due = calls_.add_(1).item<double>() >= static_cast<double>(config_.redraw);
    if (due) calls_.zero_();
    if (replay) replay->kept.push_back(due ? calls_ : at::Tensor());
    return due;
  }

  at::Tensor merged(const KernelFeatures& features, at::Tensor& state, const at::Tensor& x_BLD) const {
    const at::Tensor sums =
        causal_ ? causal_kernel_sums(features, config_.chunk, state) : kernel_sums(features);
    const bool package = !config_.kernel.is_sound();
    const double epsilon = config_.denominator_epsilon.value_or(package && causal_ ? 1e-6 : 0);
    return heads_.merge(mean_of(sums, features.queries_BLHM, epsilon).to(x_BLD.scalar_type()));
  }
  at::Tensor mean_of(const at::Tensor& sums, const at::Tensor& queries, double epsilon) const {
    if (config_.kernel.has_peak() && epsilon == 0) return weighted_mean(sums, {.least = kSmallestSum});
    const int64_t V = heads_.value_width();
    at::Tensor weights = sums.narrow(-1, V, 1) + queries.sum(-1, true) * epsilon;
    if (config_.kernel.has_peak())
      weights = weights.clamp_min(kSmallestSum);
    else if (config_.kernel.is_sound())
      weights = weights.masked_fill(weights == 0, 1);
    return sums.narrow(-1, 0, V) / weights;
  }

  Config config_;
  bool causal_;
  AttentionHeads heads_;
  RandomRows rows_;
  std::shared_ptr<const Noise> noise_;
  at::Tensor projection_;  ///< W [M,K]
  PerformerFeatures features_;
  at::Tensor calls_;  ///< training calls since W was drawn, where it is redrawn
};

void add_to(MixerRegistry& r) {
  r.add<Performer, Config>(
      {.name = "performer",
       .summary = "softmax attention estimated by positive orthogonal random features",
       .source = "Choromanski et al. 2021, arXiv 2009.14794",
       .cost = "8 L D^2 + 4 L D M + 2 L H (C (M + V) + 2 M V) flops, state G (M (V + 1) + 1)",
       .version = 2});
}

}  // namespace subband::mixers::performer
