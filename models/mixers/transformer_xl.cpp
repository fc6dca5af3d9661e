// Attention over the segment and a memory of earlier ones, with positions that are distances.
//   h̃ = [memory; x];  A_ij = ((q_i + u)·k_j + (q_i + v)·W_r r_d) / sqrt(K),  d = i + M - j >= 0 the distance
//   y = W_o softmax(A) v;  r_d sinusoids, all sines then all cosines
// The memory is the layer's own inputs of the last tokens; no gradient flows into it from the segment that
// reads it.
// Shapes  B batch, L segment, M memory, T = M + L, D model width, H heads, K head width
// Cost    2 (2 L + 3 T) D H K + 6 L T H K flops, L T H values of memory;
//         decoding state min(t, memory) D values
// Source  Dai et al. 2019, 1901.02860, section 3; package: transformers 4.57
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tensors/expect.h"
#include "models/layers/norms/layer_norm.h"
#include "models/layers/padding.h"
#include "models/layers/positions/sinusoids.h"
#include "models/layers/projection.h"
#include "models/mixer.h"

namespace subband::mixers::transformer_xl {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

struct Config {
  int64_t heads = 4;
  std::optional<int64_t> head_width;
  bool bias = false;
  std::optional<int64_t> memory;
  std::optional<int64_t> clamp_length;
  bool same_length = false;
  std::string frame = "none";
  double norm_epsilon = 1e-5;

  void bind(Binder& b, const MixerContext& c) {
    b.field("heads", heads, {1, 4096}, "H");
    b.field("head_width", head_width, {1, 65536}, "K; null: width / heads");
    b.field("bias", bias, "the linear maps have one");
    b.field("memory", memory, {0, 1 << 30}, "tokens that are remembered; null: the net's longest window");
    b.field("clamp_length", clamp_length, {1, 1 << 30},
            "all greater distances count as this one; null: none does");
    b.field("same_length", same_length, "every query sees exactly `memory` tokens, itself included");
    b.choice("frame", frame, {"none", "post_norm", "pre_norm"},
             "none: attention alone, for a net with norms and residuals of its own; post_norm: LN(x + y); "
             "pre_norm: "
             "x + y of normalised inputs (both as in the original module)");
    b.field("norm_epsilon", norm_epsilon, {0, 1, true}, "of the frame's layer norm");
    b.check(head_width || c.width % heads == 0, "heads",
            "must divide width = " + std::to_string(c.width) + ", or head_width be given");
    b.check(c.width % 2 == 0, "type",
            "needs an even width for its sinusoids, here " + std::to_string(c.width));
    b.check(!same_length || memory.value_or(1) > 0, "same_length", "must be false where memory = 0");
    b.check(c.causal, "type", "is causal: its distances look back");
  }
};

class TransformerXl final : public Mixer {
 public:
  TransformerXl(const Config& config, const MixerContext& context)
      : config_(config),
        width_(context.width),
        head_width_(config.head_width.value_or(context.width / config.heads)),
        memory_(config.memory.value_or(context.length)) {
    Initializer& first = *context.initializer;
    const int64_t inner = config.heads * head_width_;
    const auto add = [&](const char* name, Role role) {
      const bool leaves = role == Role::residual_output;
      const ProjectionPlan plan{.purpose = {.role = role},
                                .in = leaves ? inner : width_,
                                .out = leaves ? width_ : inner,
                                .bias = config.bias};
      return register_module(name, std::make_shared<Projection>(first, plan));
    };
    const auto bias = [&](const char* name) {
      return add_parameter(name, first.normal({config.heads, head_width_}, 0, 0.02), {.role = Role::bias});
    };
    q_ = add("q", Role::input_projection);
    k_ = add("k", Role::input_projection);
    v_ = add("v", Role::input_projection);
    r_ = add("r", Role::input_projection);
    content_bias_ = bias("content_bias");
    position_bias_ = bias("position_bias");
    out_ = add("out", Role::residual_output);
    if (config.frame != "none")
      norm_ = register_module("norm", std::make_shared<LayerNorm>(first, width_, config.norm_epsilon));
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    expect_pass("transformer_xl", x_BLD, pass, width_);
    if (pass.state == nullptr) return mix(x_BLD, x_BLD, pass.keep_BL);
    RowBuffer& memory = pass.memory()->rows("across.memory", memory_);
    const int64_t remembered = memory.kept_rows();
    const at::Tensor all = memory.joined(x_BLD, remembered, remembered + x_BLD.size(1));
    expect_shape("transformer_xl", "memory", all, {kAny, kAny, width_});
    const at::Tensor y = mix(all, x_BLD, {});
    memory.push(x_BLD.detach());
    return y;
  }
  bool can_continue() const override { return true; }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return std::min(length, memory_) * width_ * bytes_per_value;
  }
  double flops(int64_t length) const override {
    const double L = static_cast<double>(length), inner = static_cast<double>(config_.heads * head_width_);
    return 10 * L * static_cast<double>(width_) * inner + 6 * L * L * inner;
  }

 private:
  // `all` [B,T,D]: the memory, then x. `keep` comes without a memory, so T is L then.
  at::Tensor mix(const at::Tensor& all_BTD, const at::Tensor& x_BLD, const at::Tensor& keep_BL) {
    const int64_t L = x_BLD.size(1), T = all_BTD.size(1);
    const at::Tensor seen = config_.frame == "pre_norm" ? norm_->forward(all_BTD) : all_BTD;
    const auto heads = [&](const at::Tensor& x) { return x.unflatten(-1, {config_.heads, head_width_}); };
    const at::Tensor q = heads(q_->forward(seen.narrow(1, T - L, L)));
    const at::Tensor k = masked(heads(k_->forward(seen)), keep_BL).permute({0, 2, 3, 1});
    const at::Tensor v = masked(heads(v_->forward(seen)), keep_BL).transpose(1, 2);
    const at::Tensor r = heads(r_->forward(distances(x_BLD, T))).permute({1, 2, 0});  // [H,K,T]
    const at::Tensor content = at::matmul((q + content_bias_).transpose(1, 2), k);
    const at::Tensor position = shifted(at::matmul((q + position_bias_).transpose(1, 2), r));
    const double scale = 1 / std::sqrt(static_cast<double>(head_width_));
    const at::Tensor scores =
        (content + position).mul(scale).masked_fill(blocked(x_BLD, T, keep_BL), kMinusInfinity);
    const at::ScalarType wide = scores.element_size() < 4 ? at::kFloat : scores.scalar_type();
    const at::Tensor weights =
        keep_BL.defined() ? at::_safe_softmax(scores, -1, wide) : at::softmax(scores, -1, wide);
    const at::Tensor y = out_->forward(at::matmul(weights.to(v.scalar_type()), v).transpose(1, 2).flatten(2));
    if (config_.frame == "none") return y;
    return config_.frame == "post_norm" ? norm_->forward(x_BLD + y) : x_BLD + y;
  }

  // Sinusoids of the distances T - 1 ... 0, [T,D].
  at::Tensor distances(const at::Tensor& like, int64_t T) const {
    at::Tensor d = at::arange(T, like.options().dtype(at::kFloat)).flip(0);
    if (config_.clamp_length) d = d.clamp_max(static_cast<double>(*config_.clamp_length));
    return sinusoids(d, width_, "halves").to(like.scalar_type());
  }

  // Column c of row i holds distance T - 1 - c; key j of row i is at distance i + T - L - j. Reading the rows
  // one after the other with one column more turns the one into the other; what it puts at keys to come is
  // blocked.
  static at::Tensor shifted(const at::Tensor& x_BHLT) {
    const int64_t L = x_BHLT.size(2), T = x_BHLT.size(3);
    const at::Tensor padded = at::constant_pad_nd(x_BHLT, {1, 0});
    return padded.flatten(2).narrow(2, L, L * T).unflatten(2, {L, T});
  }

  // True where a query may not look, [L,T] or [B,1,L,T].
  at::Tensor blocked(const at::Tensor& x_BLD, int64_t T, const at::Tensor& keep_BL) const {
    const int64_t L = x_BLD.size(1);
    const at::Tensor all = at::ones({L, T}, at::TensorOptions(at::kBool).device(x_BLD.device()));
    at::Tensor none = all.triu(1 + T - L);
    if (config_.same_length) none = none | all.tril(std::max<int64_t>(T - memory_, 0) - L);
    return keep_BL.defined() ? none | keep_BL.logical_not().unsqueeze(1).unsqueeze(1) : none;
  }

  Config config_;
  int64_t width_, head_width_, memory_;
  std::shared_ptr<Projection> q_, k_, v_, r_, out_;
  at::Tensor content_bias_, position_bias_;  ///< u, v [H,K]
  std::shared_ptr<LayerNorm> norm_;
};

void add_to(MixerRegistry& r) {
  r.add<TransformerXl, Config>({.name = "transformer_xl",
                                .summary = "attention over a segment and a memory, with relative positions",
                                .source = "Dai et al. 2019, arXiv 1901.02860",
                                .cost = "10 L D^2 + 6 L T D flops, state min(t, memory) D"});
}

}  // namespace subband::mixers::transformer_xl
