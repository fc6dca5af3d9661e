#include "models/layers/attention/attention_heads.h"

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
  b.field("value_width", value_width, {1, 65536}, "V, channels of a head's values; null: head_width");
  b.field("bias", bias, "the linear maps have one");
  out_bias = bias;
  b.field("out_bias", out_bias, "the last linear map has one; not given: as bias says");
  b.choice("rope", rope, {"none", "half", "interleaved"},
           "rotary positions: which channels are rotated together");
  b.field("rope_base", rope_base, {1, 1e12, true}, "the slowest pair's period is about this long");
  b.field("rope_width", rope_width, {2, 65536}, "how many of a head's first channels are rotated; null: all");
  b.group("rope_scaling", rope_scaling, "rotary positions in windows longer than those of training");
  b.check(head_width || c.width % heads == 0, "heads",
          "must divide width = " + width + ", or head_width be given");
  b.check(heads % groups() == 0, "kv_heads", "must divide heads = " + std::to_string(heads));
  const int64_t K = width_of_head(c);
  b.check(!rope_width || (*rope_width % 2 == 0 && *rope_width <= K), "rope_width",
          "must be even and at most the head width, here " + std::to_string(K));
  b.check(rope == "none" || rope_width || K % 2 == 0, "rope",
          "must be none for an odd head width, here " + std::to_string(K));
}

AttentionHeads::AttentionHeads(Module& owner, const AttentionFields& fields, const MixerContext& context,
                               AttentionMaps maps)
    : width_(context.width),
      heads_(fields.heads),
      groups_(fields.groups()),
      head_width_(fields.width_of_head(context)),
      value_width_(maps.values ? fields.width_of_value(context) : head_width_),
      rope_(fields.rope, fields.rope_base, fields.rope_width.value_or(0), fields.rope_scaling) {
  Initializer& first = *context.initializer;
  const auto add = [&](const char* name, const ProjectionPlan& plan) {
    return owner.register_module(name, std::make_shared<Projection>(first, plan));
  };
  const auto input = [&](int64_t out, Role role = Role::input_projection) {
    return ProjectionPlan{.purpose = {.role = role}, .in = width_, .out = out, .bias = fields.bias};
  };
  // Without `out` the values are what is added to the residual stream.
  const Role values = maps.out ? Role::input_projection : Role::residual_output;
  q_ = add("q", input(heads_ * head_width_));
  k_ = add("k", input(groups_ * head_width_, maps.values ? Role::input_projection : values));
  if (maps.values) v_ = add("v", input(groups_ * value_width_, values));
  if (maps.out)
    out_ = add("out", {.purpose = {.role = Role::residual_output},
                       .in = heads_ * value_width_,
                       .out = width_,
                       .bias = fields.out_bias});
}

Heads AttentionHeads::split(const char* part, const at::Tensor& x_BLD, const Pass& pass) {
  expect_pass(part, x_BLD, pass, width_);
  const int64_t offset = pass.position();
  const at::Tensor keys = k_->forward(x_BLD).unflatten(-1, {groups_, head_width_});
  return {rope_.rotate(q_->forward(x_BLD).unflatten(-1, {heads_, head_width_}), offset),
          rope_.rotate(keys, offset), v_ ? v_->forward(x_BLD).unflatten(-1, {groups_, value_width_}) : keys};
}

// Kept as [B,G,T,X], so that a group's keys stand one behind the other when a token reads them all.
Heads AttentionHeads::extend(const char* part, const at::Tensor& x_BLD, const Pass& pass) {
  Heads heads = split(part, x_BLD, pass);
  LayerState* memory = pass.memory();
  if (memory == nullptr) return heads;
  const auto append = [&](const char* name, at::Tensor& fresh_BLGX) {
    RowBuffer& rows = memory->rows(name);
    rows.push(fresh_BLGX.transpose(1, 2));
    fresh_BLGX = rows.kept().transpose(1, 2);
  };
  append("k", heads.k_BLGK);
  append("v", heads.v_BLGV);
  return heads;
}

at::Tensor AttentionHeads::merge(const at::Tensor& y_BLHV) const {
  const at::Tensor beside = y_BLHV.flatten(-2);
  return out_ ? out_->forward(beside) : beside;
}

at::Tensor AttentionHeads::for_each_head(const at::Tensor& x_BLGX) const {
  return heads_ == groups_ ? x_BLGX : x_BLGX.repeat_interleave(heads_ / groups_, 2);
}

double AttentionHeads::maps_flops(int64_t length) const {
  const int64_t queries = heads_ * head_width_, keys = groups_ * head_width_;
  const int64_t values = v_ ? groups_ * value_width_ : 0, out = out_ ? heads_ * value_width_ : 0;
  return 2 * static_cast<double>(length) * static_cast<double>(width_ * (queries + keys + values + out));
}

double AttentionHeads::flops(int64_t length) const {
  const double L = static_cast<double>(length);
  return maps_flops(length) + 2 * L * L * static_cast<double>(heads_ * (head_width_ + value_width_));
}

at::Tensor AttentionMask::of(const at::Tensor& like, int64_t length, const at::Tensor& keep_BL,
                             int64_t past) {
  const c10::NoGradGuard no_gradient;
  const auto options = like.options().requires_grad(false);
  const int64_t keys = past + length;
  at::Tensor mask;
  if (causal_) {
    const bool fits = triangle_.defined() && triangle_.size(0) == length && triangle_.size(1) == keys &&
                      triangle_.scalar_type() == like.scalar_type() && triangle_.device() == like.device();
    if (!fits) triangle_ = at::full({length, keys}, kMinusInfinity, options).triu(past + 1);
    mask = triangle_;
  }
  if (!keep_BL.defined()) return mask;
  if (!mask.defined()) mask = at::zeros({length, keys}, options);
  return mask.masked_fill(keep_BL.logical_not().unsqueeze(1).unsqueeze(1), kMinusInfinity);
}

}  // namespace subband
