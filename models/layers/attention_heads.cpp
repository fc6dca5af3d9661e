#include "models/layers/attention_heads.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <limits>

#include "core/tensors/expect.h"

namespace subband {

static constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

void AttentionFields::bind(Binder& b, const MixerContext& c) {
  const std::string width = std::to_string(c.width);
  b.field("heads", heads, {1, 4096}, "H, query heads");
  b.field("kv_heads", kv_heads, {1, 4096},
          "G, heads of keys and values; divides heads; null: as many as heads");
  b.field("head_width", head_width, {1, 65536}, "K, channels of a head; null: width / heads");
  b.field("bias", bias, "the four linear maps have one");
  b.choice("rope", rope, {"none", "half", "interleaved"},
           "rotary positions: which channels are turned together");
  b.field("rope_base", rope_base, {1, 1e12, true}, "the slowest pair's period is about this long");
  b.check(head_width || c.width % heads == 0, "heads",
          "must divide width = " + width + ", or head_width be given");
  b.check(heads % groups() == 0, "kv_heads", "must divide heads = " + std::to_string(heads));
  b.check(rope == "none" || width_of_head(c) % 2 == 0, "rope",
          "must be none for an odd head width, here " + std::to_string(width_of_head(c)));
}

AttentionHeads::AttentionHeads(torch::nn::Module& owner, const AttentionFields& fields,
                               const MixerContext& context)
    : width_(context.width),
      heads_(fields.heads),
      groups_(fields.groups()),
      head_width_(fields.width_of_head(context)),
      rope_(fields.rope, fields.rope_base) {
  Initializer& first = *context.initializer;
  const int64_t queries = heads_ * head_width_, keys = groups_ * head_width_;
  q_ = owner.register_module("q", std::make_shared<Linear>(first, width_, queries, fields.bias));
  k_ = owner.register_module("k", std::make_shared<Linear>(first, width_, keys, fields.bias));
  v_ = owner.register_module("v", std::make_shared<Linear>(first, width_, keys, fields.bias));
  out_ = owner.register_module("out", std::make_shared<Linear>(first, queries, width_, fields.bias));
}

Heads AttentionHeads::split(const char* part, const at::Tensor& x_BLD, const at::Tensor& keep_BL) {
  expect_shape(part, "x", x_BLD, {kAny, kAny, width_});
  if (keep_BL.defined()) expect_shape(part, "keep", keep_BL, {x_BLD.size(0), x_BLD.size(1)});
  return {rope_.turn(q_->forward(x_BLD).unflatten(-1, {heads_, head_width_})),
          rope_.turn(k_->forward(x_BLD).unflatten(-1, {groups_, head_width_})),
          v_->forward(x_BLD).unflatten(-1, {groups_, head_width_})};
}

at::Tensor AttentionHeads::merge(const at::Tensor& y_BLHK) const { return out_->forward(y_BLHK.flatten(-2)); }

double AttentionHeads::flops(int64_t length) const {
  const double L = static_cast<double>(length), queries = static_cast<double>(heads_ * head_width_);
  const double keys = static_cast<double>(groups_ * head_width_), D = static_cast<double>(width_);
  return 4 * L * D * (queries + keys) + 4 * L * L * queries;
}

at::Tensor AttentionMask::of(const at::Tensor& like, int64_t length, const at::Tensor& keep_BL) {
  const c10::NoGradGuard no_gradient;
  const auto options = like.options().requires_grad(false);
  at::Tensor mask;
  if (causal_) {
    const bool fits = triangle_.defined() && triangle_.size(0) == length &&
                      triangle_.scalar_type() == like.scalar_type() && triangle_.device() == like.device();
    if (!fits) triangle_ = at::full({length, length}, kMinusInfinity, options).triu(1);
    mask = triangle_;
  }
  if (!keep_BL.defined()) return mask;
  if (!mask.defined()) mask = at::zeros({length, length}, options);
  return mask.masked_fill(keep_BL.logical_not().unsqueeze(1).unsqueeze(1), kMinusInfinity);
}

}  // namespace subband
