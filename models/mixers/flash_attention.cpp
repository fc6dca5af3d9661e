// Exact attention through one fused kernel of LibTorch, forced by name and asserted: never another one in its
// place.
//   y = softmax(q kᵀ / sqrt(K) + M) v, as softmax_attention, with the same parameters
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width
// Cost    as softmax_attention in flops; memory linear in L (but `math`); decoding state L G (K + V) values
// Source  FlashAttention 2205.14135, FlashAttention-2 2307.08691, through scaled_dot_product_attention
#include <ATen/Context.h>
#include <ATen/SDPBackend.h>
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cmath>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "models/layers/attention/attention_heads.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::flash_attention {

struct Backend {
  const char* name;
  at::SDPBackend choice;  ///< what LibTorch must say
  const char* device;     ///< where it runs; null: anywhere
  bool takes_mask;
};

static constexpr Backend kBackends[] = {{"cpu_flash", at::SDPBackend::flash_attention, "cpu", true},
                                        {"flash", at::SDPBackend::flash_attention, "cuda", false},
                                        {"efficient", at::SDPBackend::efficient_attention, "cuda", true},
                                        {"cudnn", at::SDPBackend::cudnn_attention, "cuda", true},
                                        {"math", at::SDPBackend::math, nullptr, true}};

static const char* name_of(int64_t choice) {
  switch (static_cast<at::SDPBackend>(choice)) {
    case at::SDPBackend::math:
      return "math";
    case at::SDPBackend::flash_attention:
      return "flash";
    case at::SDPBackend::efficient_attention:
      return "efficient";
    case at::SDPBackend::cudnn_attention:
      return "cudnn";
    default:
      return "none";
  }
}

// Leaves exactly one backend enabled. The switches belong to the whole process, so they are put back at once.
class OnlyBackend {
 public:
  explicit OnlyBackend(at::SDPBackend wanted) {
    set(wanted == at::SDPBackend::flash_attention, wanted == at::SDPBackend::efficient_attention,
        wanted == at::SDPBackend::cudnn_attention, wanted == at::SDPBackend::math);
  }
  OnlyBackend(const OnlyBackend&) = delete;
  OnlyBackend& operator=(const OnlyBackend&) = delete;
  ~OnlyBackend() { set(flash_, efficient_, cudnn_, math_); }

 private:
  void set(bool flash, bool efficient, bool cudnn, bool math) {
    at::Context& context = at::globalContext();
    context.setSDPUseFlash(flash);
    context.setSDPUseMemEfficient(efficient);
    context.setSDPUseCuDNN(cudnn);
    context.setSDPUseMath(math);
  }
  const bool flash_ = at::globalContext().userEnabledFlashSDP();
  const bool efficient_ = at::globalContext().userEnabledMemEfficientSDP();
  const bool cudnn_ = at::globalContext().userEnabledCuDNNSDP();
  const bool math_ = at::globalContext().userEnabledMathSDP();
};

struct Config {
  AttentionFields attention;
  std::optional<double> scale;
  std::string backend = "cpu_flash";

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("scale", scale, {0, 1e6, true}, "multiplies q kᵀ; null: 1 / sqrt(head_width)");
    b.choice(
        "backend", backend, {"cpu_flash", "flash", "efficient", "cudnn", "math"},
        "the kernel, by force; refused where it cannot take the input (device, dtype, mask, head width)");
    b.check(!backend.ends_with("flash") || attention.width_of_value(c) == attention.width_of_head(c),
            "value_width", "must be head_width for backend = " + backend);
  }
};

class FlashAttention final : public Mixer {
 public:
  FlashAttention(const Config& config, const MixerContext& context)
      : heads_(*this, config.attention, context),
        causal_(context.causal),
        scale_(config.scale.value_or(1 / std::sqrt(static_cast<double>(heads_.head_width())))),
        mask_(context.causal) {
    for (const Backend& known : kBackends) {
      if (config.backend == known.name) backend_ = &known;
    }
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    if (!causal_) refuse_state("flash_attention", pass);
    const at::Tensor& keep_BL = pass.keep_BL;
    Heads heads = heads_.extend("flash_attention", x_BLD, pass);
    if (pass.position() > 0) return behind_past(heads, pass.position());
    heads.k_BLGK = masked(heads.k_BLGK, keep_BL);
    heads.v_BLGV = masked(heads.v_BLGV, keep_BL);
    // A kernel without masks still serves padded causal input: padding stands on the right, where no real
    // token looks.
    const bool with_mask = keep_BL.defined() && (backend_->takes_mask || !causal_);
    if (with_mask && !backend_->takes_mask) refuse("takes no padding mask");
    std::optional<at::Tensor> mask;
    if (with_mask) mask = mask_.of(heads.q_BLHK, x_BLD.size(1), keep_BL);
    return mix(heads, mask, causal_ && !with_mask);
  }
  bool can_continue() const override { return causal_; }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    return heads_.state_bytes(length, bytes_per_value);
  }
  double flops(int64_t length) const override { return heads_.flops(length); }
  std::string path() const override {
    return std::string("sdpa_") + backend_->name +
           (choice_ ? std::string(" (LibTorch: ") + choice_ + ")" : "");
  }

 private:
  // Several tokens behind a past need a mask: `causal` of the kernels is aligned to the first key. Where a kernel takes
  // none, queries of zeros stand in for the past.
  at::Tensor behind_past(Heads heads, int64_t past) {
    const int64_t L = heads.q_BLHK.size(1);
    if (L == 1) return mix(heads, {}, false);
    if (backend_->takes_mask) return mix(heads, mask_.of(heads.q_BLHK, L, {}, past), false);
    heads.q_BLHK = at::constant_pad_nd(heads.q_BLHK, {0, 0, 0, 0, past, 0});
    return mix(heads, {}, true).narrow(1, past, L);
  }
  at::Tensor mix(const Heads& heads, const std::optional<at::Tensor>& mask, bool triangle) {
    const auto turned = [](const at::Tensor& x_BLHX) { return x_BLHX.transpose(1, 2); };
    return heads_.merge(turned(attend(turned(heads.q_BLHK), turned(heads_.for_each_head(heads.k_BLGK)),
                                      turned(heads_.for_each_head(heads.v_BLGV)), mask, triangle)));
  }

  at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const std::optional<at::Tensor>& mask, bool triangle) {
    if (q.is_meta())  // shapes alone, which no kernel but the plain one tells
      return std::get<0>(at::_scaled_dot_product_attention_math(q, k, v, mask, 0.0, triangle, {}, scale_));
    if (backend_->device && q.device().str().rfind(backend_->device, 0) != 0) {
      refuse(std::string("runs on ") + backend_->device + ", x is on " + q.device().str());
    }
    const OnlyBackend only(backend_->choice);
    const int64_t choice = at::_fused_sdp_choice(q, k, v, mask, 0.0, triangle, scale_);
    if (choice != static_cast<int64_t>(backend_->choice)) {
      refuse(std::string("cannot take this input, LibTorch would use ") + name_of(choice));
    }
    choice_ = name_of(choice);
    count_op("flash_attention", backend_->name, std::string("LibTorch: ") + choice_);
    return at::scaled_dot_product_attention(q, k, v, mask, 0.0, triangle, scale_);
  }
  [[noreturn]] void refuse(const std::string& rule) const {
    throw ShapeError("flash_attention", std::string("backend = ") + backend_->name + ": " + rule);
  }

  AttentionHeads heads_;
  bool causal_;
  double scale_;
  AttentionMask mask_;
  const Backend* backend_ = &kBackends[0];
  const char* choice_ = nullptr;
};

void add_to(MixerRegistry& r) {
  r.add<FlashAttention, Config>({.name = "flash_attention",
                                 .summary = "exact attention through one forced fused kernel",
                                 .source = "Dao 2023, arXiv 2307.08691",
                                 .cost = "8 L D^2 + 4 L^2 D flops, memory linear in L, state L G (K + V)"});
}

}  // namespace subband::mixers::flash_attention
