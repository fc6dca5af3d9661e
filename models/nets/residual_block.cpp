#include "models/nets/residual_block.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>

#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"
#include "models/layers/projection.h"
#include "models/layers/recompute.h"

namespace subband {

void ResidualFrame::bind(Binder& b) {
  b.choice("norm", norm.kind, {"layer", "rms"}, "normalisation before each part and before the head");
  b.field("norm_epsilon", norm.epsilon, {0, 1, true}, "added to the variance; published: 1e-5, Qwen2 1e-6");
  b.choice(
      "initialization", initialization, {"gpt2", "normal", "parts"},
      "normal: projections N(0, deviation), biases 0; gpt2: so, but residual outputs over sqrt(2 layers); "
      "gates, routers, decays, memories and what a part declares its own start as the part says; parts: "
      "everything does");
  b.field("deviation", deviation, {0, 10}, "of initial weights: embeddings and projections");
  b.field("dropout", dropout, {0, 0.99}, "after the embedding and after every part, in training");
}

MixerContext ResidualFrame::mixer_context(int64_t layer) const {
  return {.width = width,
          .length = length,
          .causal = causal,
          .layers = layers,
          .layer = layer,
          .initializer = initializer,
          .noise = noise};
}

BlockContext ResidualFrame::channel_context() const {
  return {
      .width = width, .padded_width = width, .layers = layers, .noise = noise, .initializer = initializer};
}

void ResidualParts::bind(Binder& b, const ResidualFrame& frame) {
  b.part("mixer", mixer, frame.mixer_context(),
         "carries information between positions; rotary positions are its own");
  b.parts("channel_mixers", channel_mixers, frame.channel_context(),
          "work on each position; their outputs add up");
  b.check(!channel_mixers.empty(), "channel_mixers", "must name at least one");
}

void ResidualParts::bind_given(Binder& b, const ResidualFrame& frame) {
  // What is not written is asked for all the same, so that a misspelt key is refused.
  if (b.given("mixer")) {
    mixer = Slot<Mixer>(mixer.type());
    b.part("mixer", mixer, frame.mixer_context(), "of this block");
  } else {
    b.take("mixer");
  }
  if (b.given("channel_mixers"))
    b.parts("channel_mixers", channel_mixers, frame.channel_context(), "of this block");
  else
    b.take("channel_mixers");
  b.check(!channel_mixers.empty(), "channel_mixers", "must name at least one");
}

// Two parts a layer write into the residual stream.
double ResidualFrame::factor_of(Role role) const {
  const bool scaled = initialization == "gpt2" && role == Role::residual_output;
  return scaled ? 1 / std::sqrt(2.0 * static_cast<double>(layers)) : 1.0;
}

void ResidualFrame::draw_projections(const torch::nn::Module& part) const {
  if (initialization == "parts") return;
  part.apply([this](const torch::nn::Module& module) {
    const auto* projection = dynamic_cast<const Projection*>(&module);
    if (projection == nullptr || !projection->purpose().is_drawn_by_net()) return;
    initializer->normal_(projection->first_weight(), 0, deviation);
    const double factor = factor_of(projection->purpose().role);
    if (factor != 1) projection->first_weight().mul_(factor);
    if (const at::Tensor bias = projection->first_bias(); bias.defined()) bias.zero_();
  });
}

ResidualBlock::ResidualBlock(const ResidualParts& parts, const ResidualFrame& frame, int64_t layer)
    : mixer_norm_(*this, "mixer_norm", frame.norm, *frame.initializer, frame.width),
      channel_norm_(*this, "channel_norm", frame.norm, *frame.initializer, frame.width),
      dropout_(frame.dropout),
      noise_(frame.noise),
      mixer_name_(parts.mixer.type()) {
  mixer_ = register_module("mixer", parts.mixer.make(frame.mixer_context(layer)));
  frame.draw_projections(*mixer_);
  const auto holder =
      register_module("channel_mixers", std::make_shared<torch::nn::Module>("channel_mixers"));
  for (const auto& [label, slot] : parts.channel_mixers.all()) {
    channel_mixers_.emplace_back(label, holder->register_module(label, slot.make(frame.channel_context())));
    frame.draw_projections(*channel_mixers_.back().second);
  }
}

at::Tensor ResidualBlock::noisy(const at::Tensor& x_BLD) const {
  return dropout(x_BLD, dropout_, is_training(), noise_.get());
}

at::Tensor ResidualBlock::channels(const at::Tensor& normed_BLD, const Pass& pass) const {
  at::Tensor sum;
  for (const auto& [label, mixer] : channel_mixers_) {
    LayerState* memory = pass.state ? &pass.memory()->part(label) : nullptr;
    const RecordedPart part(label.c_str());
    const at::Tensor y = mixer->forward(normed_BLD, memory);
    sum = sum.defined() ? sum + y : y;
  }
  return noisy(sum);
}

// The second run starts from a copy of the state, for the first one has moved it on.
at::Tensor ResidualBlock::forward(const at::Tensor& x_BLD, const Pass& pass, const std::shared_ptr<Noise>& repeat) {
  if (!repeat || !is_training() || !c10::GradMode::is_enabled()) return whole(x_BLD, pass);
  const auto block = std::static_pointer_cast<ResidualBlock>(shared_from_this());
  const auto kept = pass.state ? std::make_shared<const SequenceState>(*pass.state) : nullptr;
  const auto is_first = std::make_shared<bool>(true);
  const auto outputs = recomputed(
      [block, pass, kept, is_first](const std::vector<at::Tensor>& in) -> std::vector<at::Tensor> {
        const LayerChannel before{in[1]};
        LayerChannel after;
        SequenceState state;
        Pass own = pass;
        own.before = &before, own.after = &after;
        if (kept && !std::exchange(*is_first, false)) state = *kept, own.state = &state;
        const at::Tensor y = block->whole(in[0], own);
        return {y, after.summary_BLC};
      },
      {x_BLD, pass.before ? pass.before->summary_BLC : at::Tensor()}, repeat);
  if (pass.after) pass.after->summary_BLC = outputs[1];
  return outputs[0];
}

at::Tensor ResidualBlock::whole(const at::Tensor& x_BLD, const Pass& pass) {
  const at::Tensor normed = in_part("norms", [&] { return mixer_norm_(x_BLD); });
  const at::Tensor y_BLD = in_part("mixer", [&] { return mixer_->forward(normed, pass); });
  expect_shape(mixer_name_, "y", y_BLD, {x_BLD.size(0), x_BLD.size(1), x_BLD.size(2)});
  const ResidualNorm between = in_part("norms", [&] {
    return residual_norm({x_BLD, {}}, {{noisy(y_BLD), {}}}, channel_norm_.weights());
  });
  return between.sum + channels(between.normed, pass);
}

at::Tensor through_blocks(const std::vector<std::shared_ptr<ResidualBlock>>& blocks, at::Tensor x_BLD, Pass pass,
                          const std::shared_ptr<Noise>& repeat) {
  LayerChannel before, after;
  pass.layers = static_cast<int64_t>(blocks.size());
  pass.before = &before, pass.after = &after;
  for (pass.layer = 0; pass.layer < pass.layers; ++pass.layer) {
    if (pass.hidden) pass.hidden->push_back(x_BLD);
    const RecordedPart part("blocks", pass.layer);
    x_BLD = blocks[static_cast<size_t>(pass.layer)]->forward(x_BLD, pass, repeat);
    before = std::exchange(after, {});
  }
  return x_BLD;
}

void ResidualBlock::add_costs(PartCosts& costs, int64_t length, int64_t bytes_per_value) const {
  costs.add("blocks.*.mixer", *mixer_, mixer_->flops(length), mixer_->state_bytes(length, bytes_per_value));
  for (const auto& [label, mixer] : channel_mixers_)
    costs.add("blocks.*." + label, *mixer, mixer->flops(length),
              mixer->state_bytes(length, bytes_per_value));
}

}  // namespace subband
