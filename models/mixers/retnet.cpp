// Retention: attention without softmax, whose past fades by a fixed factor per head.
//   S_t = γ_h S_{t-1} + k_t v_tᵀ,   o_t = S_tᵀ q_t / sqrt(K),   γ_h = 1 - 2^(-5-h);  q, k rotated by their positions
//   y = W_out ( norm(o) ⊙ silu(W_gate x) ),   norm per head
// Shapes  B batch, L length, D width, H heads, G heads of keys and values, K key width, V value width
// Cost    2 D (H + G) (K + V) + 2 D H V + 2 H (C (K + V) + 2 K V) flops per token, C the chunk; decoding state H K V
//         values and those of the convolutions
// Source  Sun et al. 2023, arXiv 2307.08621; normalisations of the scores, which the norm per head cancels, left out as
//         in flash-linear-attention
#include <ATen/ATen.h>

#include <cmath>

#include "core/ops/recurrence/gated_norm.h"
#include "models/layers/activation.h"
#include "models/layers/attention/recurrent_heads.h"
#include "models/layers/padding.h"

namespace subband::mixers::retnet {

constexpr double kGain = 0.17677669529663687;  // 2^-2.5, of Xavier's initial weights

struct Config {
  RecurrentHeadFields heads;
  std::string decay = "powers";
  std::string gate = "silu";
  std::string norm = "rms";
  bool norm_gain = true;
  double norm_epsilon = 1e-5;
  std::string form = "chunked";
  int64_t chunk = 64;

  void bind(Binder& b, const MixerContext& c) {
    heads.bind(b, c);
    b.choice("decay", decay, {"powers", "linspace", "none"},
             "γ_h: 1 - 2^(-5-h); 1 - exp of H steps from ln 1/32 to ln 1/512; 1");
    std::vector<std::string> gates = activation_names();
    gates.insert(gates.begin(), "none");
    b.choice("gate", gate, gates,
             "the heads' output is multiplied by this function of W_gate x; none: no gate");
    b.choice("norm", norm, {"rms", "layer", "none"}, "of every head's output");
    b.field("norm_gain", norm_gain, "the norm has a gain, one for all heads (the paper's has none)");
    b.field("norm_epsilon", norm_epsilon, {0, 1, true}, "added to the norm's mean square");
    b.choice("form", form, {"chunked", "parallel", "recurrent"},
             "how forward computes: by chunks, all pairs at once, one token after the other; the answer is "
             "the same");
    b.field("chunk", chunk, {1, 65536}, "C, tokens whose products are computed at once");
    b.check(c.causal, "type", "has only a causal form; its state runs from the first token to the last");
  }
};

// log γ_h  [H], in double so that a head near 1 keeps its digits.
static at::Tensor log_decays(const Config& config) {
  const int64_t H = config.heads.heads;
  const at::TensorOptions wide(at::kDouble);
  if (config.decay == "none") return at::zeros({H}, wide);
  const at::Tensor fading = config.decay == "powers"
                                ? at::pow(2.0, -5 - at::arange(H, wide))
                                : at::linspace(std::log(1.0 / 32), std::log(1.0 / 512), H, wide).exp();
  return at::log1p(-fading);
}

class Retnet final : public Mixer {
 public:
  Retnet(const Config& config, const MixerContext& context)
      : config_(config),
        width_(context.width),
        heads_(*this, config.heads, context, kGain),
        log_decay_H_(log_decays(config)) {
    Initializer& first = *context.initializer;
    const int64_t values = config.heads.heads * heads_.value_width();
    if (config.gate != "none")
      gate_ =
          heads_.add(*this, "gate", first, {.purpose = {.role = Role::gate}, .in = width_, .out = values});
    out_ = heads_.add(*this, "out", first,
                      {.purpose = {.role = Role::residual_output}, .in = values, .out = width_});
    if (config.norm == "none" || !config.norm_gain) return;
    const auto norm = register_module("norm", std::make_shared<Module>("norm"));
    norm_gain_V_ = norm->add_parameter("weight", first.full({heads_.value_width()}, 1), {.role = Role::norm});
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    expect_pass("retnet", x_BLD, pass, width_);
    expect_right_padding("retnet", pass.keep_BL, x_BLD);
    const at::Tensor x = masked(x_BLD, pass.keep_BL);
    RecurrenceInputs inputs = heads_.split(x, pass);
    inputs.q_BLHK = scaled(inputs.q_BLHK);
    inputs.log_decay_BLH = decay_of(inputs.q_BLHK);
    LayerState* memory = pass.memory();
    if (memory) inputs.state_BHKV = memory->value("retained");
    const RecurrenceOutputs outputs = memory && x.size(1) == 1 ? linear_recurrence::next(inputs) : retained(inputs);
    if (memory) memory->put("retained", outputs.state_BHKV);
    return finished(outputs.y_BLHV, x);
  }
  bool can_continue() const override { return true; }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    const int64_t retained = config_.heads.heads * heads_.key_width() * heads_.value_width();
    return retained * sum_bytes(bytes_per_value) + heads_.state_values(length) * bytes_per_value;
  }
  double flops(int64_t length) const override {
    const double maps = heads_.flops(length) + out_->flops(length) + (gate_ ? gate_->flops(length) : 0);
    const int64_t H = config_.heads.heads, K = heads_.key_width(), V = heads_.value_width();
    if (config_.form == "chunked")
      return maps + linear_recurrence::chunked_flops(length, config_.chunk, H, K, V);
    const int64_t pairs =
        config_.form == "parallel" ? 2 * length * H * (length * (K + V) + 2 * K * V) : 4 * length * H * K * V;
    return maps + static_cast<double>(pairs);
  }
  std::string path() const override { return config_.form; }

 private:
  at::Tensor scaled(const at::Tensor& q) const {
    return q / std::sqrt(static_cast<double>(heads_.key_width()));
  }
  // [B,L,H], or undefined where nothing fades
  at::Tensor decay_of(const at::Tensor& q_BLHK) const {
    if (config_.decay == "none") return {};
    const auto type = q_BLHK.element_size() < 4 ? at::kFloat : q_BLHK.scalar_type();
    return log_decay_H_.to(q_BLHK.options().dtype(type))
        .expand({q_BLHK.size(0), q_BLHK.size(1), q_BLHK.size(2)});
  }
  RecurrenceOutputs retained(const RecurrenceInputs& inputs) const {
    if (config_.form == "parallel") return linear_recurrence::quadratic(inputs);
    if (config_.form == "recurrent") return linear_recurrence::recurrent(inputs);
    return linear_recurrence::chunked(inputs, config_.chunk);
  }
  at::Tensor finished(const at::Tensor& o_BLHV, const at::Tensor& x_BLD) const {
    if (config_.norm == "rms" && config_.gate == "silu")
      return out_->forward(gated_norm(o_BLHV, norm_gain_V_, gate_->forward(x_BLD), config_.norm_epsilon));
    at::Tensor y = o_BLHV;
    if (config_.norm == "layer") y = y - y.mean(-1, true);
    if (config_.norm != "none") y = y * (y.square().mean(-1, true) + config_.norm_epsilon).rsqrt();
    y = y.to(x_BLD.scalar_type());
    if (norm_gain_V_.defined()) y = y * norm_gain_V_;
    y = y.flatten(-2);
    return out_->forward(gate_ ? y * activation_of(config_.gate)(gate_->forward(x_BLD)) : y);
  }

  Config config_;
  int64_t width_;
  RecurrentHeads heads_;
  at::Tensor log_decay_H_;
  std::shared_ptr<Projection> gate_, out_;  // no gate: null
  at::Tensor norm_gain_V_;
};

void add_to(MixerRegistry& r) {
  r.add<Retnet, Config>({.name = "retnet",
                         .summary = "retention: linear attention whose past fades by a factor per head",
                         .source = "Sun et al. 2023, arXiv 2307.08621",
                         .cost = "16 L D^2 + 2 L H (C (K + V) + 2 K V) flops, state H K V",
                         .version = 3});
}

}  // namespace subband::mixers::retnet
