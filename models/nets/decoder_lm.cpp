// The usual decoder around any causal mixer: the frame in which mixers are compared.
//   x = E[ids] (+ P);  per block  x += mixer(norm(x)),  x += Σ channel_mixers(norm(x));  logits = W norm(x)
// Shapes  B batch, L length, D width, V vocabulary
// Cost    2 V D (V D where tied) parameters besides the blocks
// Source  GPT-2 (learned positions, layer norm, GELU) and LLaMA (RoPE in the mixer, RMSNorm, SwiGLU)
#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>

#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/slot.h"
#include "core/tensors/expect.h"
#include "models/channel_mixer.h"
#include "models/layers/dropout.h"
#include "models/layers/embedding.h"
#include "models/layers/layer_norm.h"
#include "models/layers/linear.h"
#include "models/layers/rms_norm.h"
#include "models/mixer.h"
#include "models/net.h"

namespace subband::nets::decoder_lm {

constexpr double kDeviation = 0.02;  // of first values, GPT-2

struct Config {
  int64_t width = 128;
  int64_t layers = 2;
  Slot<Mixer> mixer{"softmax_attention"};
  Slots<ChannelMixer> channel_mixers{"mlp"};
  std::string positions = "learned";
  std::string norm = "layer";
  std::string initialization = "gpt2";
  bool tied = false;
  double dropout = 0;

  void bind(Binder& b, const NetContext& c) {
    b.field("width", width, {1, 1 << 20}, "D, of the residual stream");
    b.field("layers", layers, {1, 1024}, "blocks");
    b.part("mixer", mixer, mixer_context(c, nullptr),
           "lets positions speak to each other; rotary positions are its own");
    b.parts("channel_mixers", channel_mixers, block_context(c, nullptr),
            "work on each position; their outputs add up");
    b.choice("positions", positions, {"learned", "none"}, "a table of the longest window, or nothing");
    b.choice("norm", norm, {"layer", "rms"}, "normalisation before each part and before the head");
    b.choice("initialization", initialization, {"gpt2", "parts"},
             "gpt2: linears N(0, 0.02), each part's last one over sqrt(2 layers), biases 0; parts: each "
             "part's own");
    b.field("tied", tied, "the head is the embedding's table");
    b.field("dropout", dropout, {0, 0.99}, "after the embedding and after every part, in training");
    b.check(!channel_mixers.empty(), "channel_mixers", "must name at least one");
  }
  MixerContext mixer_context(const NetContext& c, std::shared_ptr<const Noise> noise) const {
    return {.width = width,
            .length = c.length,
            .causal = true,
            .layers = layers,
            .initializer = c.initializer,
            .noise = std::move(noise)};
  }
  // Dropout stands behind the sum of the channel mixers, so they have none of their own.
  BlockContext block_context(const NetContext& c, std::shared_ptr<const Noise> noise) const {
    return {.width = width,
            .padded_width = width,
            .layers = layers,
            .noise = std::move(noise),
            .initializer = c.initializer};
  }
};

// The norm of either kind, registered in its owner under `name`.
class Norm {
 public:
  Norm(torch::nn::Module& owner, const std::string& name, const Config& config, const Initializer& first) {
    if (config.norm == "rms")
      rms_ = owner.register_module(name, std::make_shared<RmsNorm>(first, config.width));
    else
      layer_ = owner.register_module(name, std::make_shared<LayerNorm>(first, config.width));
  }
  at::Tensor operator()(const at::Tensor& x_BLD) const {
    return rms_ ? rms_->forward(x_BLD) : layer_->forward(x_BLD);
  }

 private:
  std::shared_ptr<RmsNorm> rms_;
  std::shared_ptr<LayerNorm> layer_;
};

// A part writes into the residual stream through its last linear; 2 layers of them add up.
void draw_as_gpt2(const torch::nn::Module& part, Initializer& first, int64_t layers) {
  Linear* last = nullptr;
  for (const auto& module : part.modules()) {
    auto* linear = dynamic_cast<Linear*>(module.get());
    if (linear == nullptr) continue;
    first.normal_(linear->weight, 0, kDeviation);
    if (linear->bias.defined()) linear->bias.detach().zero_();
    last = linear;
  }
  if (last) last->weight.detach().mul_(1 / std::sqrt(2.0 * static_cast<double>(layers)));
}

class Block final : public torch::nn::Module {
 public:
  Block(const Config& config, const NetContext& context, const std::shared_ptr<const Noise>& noise)
      : mixer_norm_(*this, "mixer_norm", config, *context.initializer),
        channel_norm_(*this, "channel_norm", config, *context.initializer),
        dropout_(config.dropout),
        noise_(noise) {
    Initializer& first = *context.initializer;
    const bool as_gpt2 = config.initialization == "gpt2";
    mixer_ = register_module("mixer", config.mixer.make(config.mixer_context(context, noise)));
    if (as_gpt2) draw_as_gpt2(*mixer_, first, config.layers);
    const auto holder =
        register_module("channel_mixers", std::make_shared<torch::nn::Module>("channel_mixers"));
    for (const auto& [label, slot] : config.channel_mixers.all()) {
      channel_mixers_.push_back(
          holder->register_module(label, slot.make(config.block_context(context, noise))));
      if (as_gpt2) draw_as_gpt2(*channel_mixers_.back(), first, config.layers);
    }
  }

  at::Tensor forward(const at::Tensor& x_BLD) {
    const at::Tensor mixed = x_BLD + noisy(mixer_->forward(mixer_norm_(x_BLD), {}));
    const at::Tensor normed = channel_norm_(mixed);
    at::Tensor sum = channel_mixers_[0]->forward(normed);
    for (size_t i = 1; i < channel_mixers_.size(); ++i) sum = sum + channel_mixers_[i]->forward(normed);
    return mixed + noisy(sum);
  }

  void add_costs(PartCosts& costs, int64_t length, int64_t bytes_per_value) const {
    costs.add("blocks.*.mixer", *mixer_, mixer_->flops(length), mixer_->state_bytes(length, bytes_per_value));
    for (const auto& mixer : channel_mixers_)
      costs.add("blocks.*." + mixer->module_name(), *mixer, mixer->flops(length));
  }

 private:
  at::Tensor noisy(const at::Tensor& x_BLD) const {
    return dropout(x_BLD, dropout_, is_training(), noise_.get());
  }

  Norm mixer_norm_, channel_norm_;
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Mixer> mixer_;
  std::vector<std::shared_ptr<ChannelMixer>> channel_mixers_;
};

class DecoderLm final : public Net {
 public:
  DecoderLm(const Config& config, const NetContext& context)
      : length_(context.length), dropout_(config.dropout) {
    Initializer& first = *context.initializer;
    embedding_ = register_module(
        "embedding", std::make_shared<Embedding>(first, context.vocabulary, config.width, kDeviation));
    if (config.positions == "learned") {
      positions_ = register_module(
          "positions", std::make_shared<Embedding>(first, context.length, config.width, kDeviation));
    }
    const auto holder = register_module("blocks", std::make_shared<torch::nn::Module>("blocks"));
    for (int64_t layer = 0; layer < config.layers; ++layer) {
      blocks_.push_back(
          holder->register_module(std::to_string(layer), std::make_shared<Block>(config, context, noise_)));
    }
    norm_.emplace(*this, "norm", config, first);
    if (config.tied) return;
    head_ = register_module("head", std::make_shared<Linear>(first, config.width, context.vocabulary, false));
    if (config.initialization == "gpt2") first.normal_(head_->weight, 0, kDeviation);
  }

  at::Tensor forward(const at::Tensor& ids_BL) override {
    expect_shape("decoder_lm", "ids", ids_BL, {kAny, kAny});
    at::Tensor x = embedding_->forward(ids_BL);
    if (positions_) x = x + first_positions(ids_BL.size(1));
    x = dropout(x, dropout_, is_training(), noise_.get());
    for (const auto& block : blocks_) x = block->forward(x);
    return at::linear((*norm_)(x), head_ ? head_->weight : embedding_->weight);
  }
  PartCosts costs(int64_t length, int64_t bytes_per_value) const override {
    PartCosts costs;
    costs.add("embedding", *embedding_, 0);
    if (positions_) costs.add("positions", *positions_, 0);
    for (const auto& block : blocks_) block->add_costs(costs, length, bytes_per_value);
    const at::Tensor& head = head_ ? head_->weight : embedding_->weight;
    costs.add("head", head, 2.0 * static_cast<double>(length * head.numel()));
    return costs;
  }
  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }

 private:
  at::Tensor first_positions(int64_t length) const {
    if (length > length_) {
      throw ShapeError("decoder_lm", "length of ids = " + std::to_string(length) + ": must be at most " +
                                         std::to_string(length_) + ", the table of learned positions");
    }
    return positions_->weight.narrow(0, 0, length);
  }

  int64_t length_;
  double dropout_;
  std::shared_ptr<Noise> noise_ = std::make_shared<Noise>();
  std::shared_ptr<Embedding> embedding_, positions_;
  std::vector<std::shared_ptr<Block>> blocks_;
  std::optional<Norm> norm_;
  std::shared_ptr<Linear> head_;
};

void add_to(NetRegistry& r);
void add_to(NetRegistry& r) {
  r.add<DecoderLm, Config>({.name = "decoder_lm",
                            .summary = "decoder around any causal mixer",
                            .source = "GPT-2 (Radford et al. 2019); LLaMA, arXiv 2302.13971",
                            .cost = "2 V D parameters and the blocks"});
}

}  // namespace subband::nets::decoder_lm
