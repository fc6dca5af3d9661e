// The usual encoder around any mixer: the frame in which mixers are compared on whole sequences.
//   x = input (+ P);  per block  x += mixer(norm(x)),  x += Σ channel_mixers(norm(x));  logits = W pool(norm(x)) + b
//   input tokens   x[t] = E[id[t]];  of P = patch > 1 neighbours  x[t] = W_in (E[id[tP]] … E[id[tP+P-1]]) + b_in
//         bytes    the same of 256 ids
//         patches  x[t] = W_in (v[tP] … v[tP+P-1]) + b_in of numbers
//   pool  mean     over the positions that are not padding
//         cls      the last state of a learned vector that stands before the first position
//         none     an answer at every position, for tasks that ask for tokens
// A position is padding when all its inputs are; padded inputs count as zeros.
// Shapes  B batch, L length of the input, T = ceil(L / P) positions, D width, K classes
// Cost    the blocks over T positions; head D K
// Source  Long Range Arena, arXiv 2011.04006 (pooling, pre-norm); ViT, arXiv 2010.11929 (patches, cls);
//         MEGABYTE, arXiv 2305.07185 (patches of bytes)
#include <ATen/ATen.h>

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

namespace subband::nets::classifier {

constexpr double kFirstDeviation = 0.02;  // of tables and of the cls vector, as GPT-2 draws them
constexpr int64_t kBytes = 256;

struct Config {
  int64_t width = 64;
  int64_t layers = 2;
  std::string input = "tokens";
  int64_t patch = 1;
  int64_t id_width = 16;
  Slot<Mixer> mixer{"softmax_attention"};
  Slots<ChannelMixer> channel_mixers{"mlp"};
  bool causal = false;
  std::string positions = "learned";
  std::string norm = "layer";
  std::string pooling = "mean";
  double dropout = 0;

  void bind(Binder& b, const NetContext& c) {
    b.field("width", width, {1, 1 << 20}, "D, of the residual stream");
    b.field("layers", layers, {1, 1024}, "blocks");
    b.choice("input", input, {"tokens", "bytes", "patches"},
             "tokens: a vector per id; bytes: the same of 256 ids; patches: of numbers");
    b.field("patch", patch, {1, 1 << 20}, "P, inputs that make one position");
    b.field("id_width", id_width, {1, 4096}, "of the vector of one id, where patch is above 1");
    b.choice("pooling", pooling, {"mean", "cls", "none"},
             "from positions to one answer; none: an answer at every position");
    b.field("causal", causal, "whether mixers may only look to the left");
    b.part("mixer", mixer, mixer_context(c, nullptr), "lets positions speak to each other");
    b.parts("channel_mixers", channel_mixers, block_context(c, nullptr),
            "work on each position; their outputs add up; {}: none");
    b.choice("positions", positions, {"learned", "sinusoidal", "none"},
             "a table of the longest input, fixed waves, or nothing");
    b.choice("norm", norm, {"layer", "rms"}, "normalisation before each part and before pooling");
    b.field("dropout", dropout, {0, 0.99}, "after the input and after every part, in training");
    check_task(b, c);
  }
  void check_task(Binder& b, const NetContext& c) const {
    b.check(input == "patches" ? c.channels > 0 : c.channels == 0, "input",
            c.channels > 0 ? "the data are numbers: must be patches"
                           : "the data are ids: must be tokens or bytes");
    b.check(input != "bytes" || c.vocabulary == kBytes, "input",
            "needs ids of bytes, the vocabulary has " + std::to_string(c.vocabulary));
    const bool per_position = pooling == "none";
    b.check(per_position == (c.classes == 0), "pooling",
            c.classes == 0 ? "must be none: the task asks for a token at every position"
                           : "must be mean or cls: the task asks for one class a sequence");
    b.check(!per_position || patch == 1, "patch", "must be 1 where pooling is none");
    b.check(causal || c.may_look_ahead, "causal",
            "must be true: the task's targets stand in the input to the right");
  }
  int64_t sequence(int64_t length) const { return (length + patch - 1) / patch + (pooling == "cls" ? 1 : 0); }
  MixerContext mixer_context(const NetContext& c, std::shared_ptr<const Noise> noise) const {
    return {.width = width,
            .length = sequence(c.length),
            .causal = causal,
            .layers = layers,
            .initializer = c.initializer,
            .noise = std::move(noise)};
  }
  BlockContext block_context(const NetContext& c, std::shared_ptr<const Noise> noise) const {
    return {.width = width,
            .padded_width = width,
            .layers = layers,
            .noise = std::move(noise),
            .initializer = c.initializer};
  }
};

// The norm of either kind, registered in its owner under `name`.
class EncoderNorm {
 public:
  EncoderNorm(torch::nn::Module& owner, const std::string& name, const Config& config,
              const Initializer& first) {
    if (config.norm == "rms")
      rms_ = owner.register_module(name, std::make_shared<RmsNorm>(first, config.width));
    else
      layer_ = owner.register_module(name, std::make_shared<LayerNorm>(first, config.width));
  }
  at::Tensor operator()(const at::Tensor& x_BTD) const {
    return rms_ ? rms_->forward(x_BTD) : layer_->forward(x_BTD);
  }

 private:
  std::shared_ptr<RmsNorm> rms_;
  std::shared_ptr<LayerNorm> layer_;
};

class EncoderBlock final : public torch::nn::Module {
 public:
  EncoderBlock(const Config& config, const NetContext& context, const std::shared_ptr<const Noise>& noise)
      : mixer_norm_(*this, "mixer_norm", config, *context.initializer),
        dropout_(config.dropout),
        noise_(noise) {
    mixer_ = register_module("mixer", config.mixer.make(config.mixer_context(context, noise)));
    if (config.channel_mixers.empty()) return;
    channel_norm_.emplace(*this, "channel_norm", config, *context.initializer);
    const auto holder =
        register_module("channel_mixers", std::make_shared<torch::nn::Module>("channel_mixers"));
    for (const auto& [label, slot] : config.channel_mixers.all()) {
      channel_mixers_.push_back(
          holder->register_module(label, slot.make(config.block_context(context, noise))));
    }
  }

  at::Tensor forward(const at::Tensor& x_BTD, const at::Tensor& keep_BT) {
    at::Tensor x = x_BTD + noisy(mixer_->forward(mixer_norm_(x_BTD), keep_BT));
    if (channel_mixers_.empty()) return x;
    const at::Tensor normed = (*channel_norm_)(x);
    at::Tensor sum = channel_mixers_[0]->forward(normed);
    for (size_t i = 1; i < channel_mixers_.size(); ++i) sum = sum + channel_mixers_[i]->forward(normed);
    return x + noisy(sum);
  }
  void add_costs(PartCosts& costs, int64_t positions, int64_t bytes_per_value) const {
    costs.add("blocks.*.mixer", *mixer_, mixer_->flops(positions),
              mixer_->state_bytes(positions, bytes_per_value));
    for (const auto& mixer : channel_mixers_)
      costs.add("blocks.*." + mixer->module_name(), *mixer, mixer->flops(positions));
  }

 private:
  at::Tensor noisy(const at::Tensor& x) const { return dropout(x, dropout_, is_training(), noise_.get()); }

  EncoderNorm mixer_norm_;
  double dropout_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Mixer> mixer_;
  std::optional<EncoderNorm> channel_norm_;
  std::vector<std::shared_ptr<ChannelMixer>> channel_mixers_;
};

// pe[p,2i] = sin(p / 10000^(2i/D)), pe[p,2i+1] = cos(p / 10000^(2i/D))
static at::Tensor sinusoidal_waves(int64_t length, int64_t width) {
  const at::TensorOptions wide(at::kDouble);
  const at::Tensor pair = at::arange(width, wide).div(2, "floor");
  const at::Tensor angle = at::arange(length, wide).unsqueeze(1) *
                           at::exp(pair * (-2 * std::log(10000.0) / static_cast<double>(width)));
  const at::Tensor is_even = at::arange(width, wide).remainder(2).eq(0);
  return at::where(is_even, angle.sin(), angle.cos()).to(at::kFloat);
}

class Classifier final : public Net {
 public:
  Classifier(const Config& config, const NetContext& context)
      : config_(config), length_(context.length), channels_(context.channels) {
    Initializer& first = *context.initializer;
    make_input(context, first);
    const int64_t longest = config.sequence(context.length);
    if (config.pooling == "cls")
      cls_ = register_parameter("cls", first.normal({1, 1, config.width}, 0, kFirstDeviation));
    if (config.positions == "learned") {
      positions_ = register_module(
          "positions", std::make_shared<Embedding>(first, longest, config.width, kFirstDeviation));
    } else if (config.positions == "sinusoidal") {
      const at::Tensor waves = first.is_meta() ? first.empty({longest, config.width}).detach()
                                               : sinusoidal_waves(longest, config.width);
      waves_ = register_buffer("waves", waves);
    }
    const auto holder = register_module("blocks", std::make_shared<torch::nn::Module>("blocks"));
    for (int64_t layer = 0; layer < config.layers; ++layer) {
      blocks_.push_back(holder->register_module(std::to_string(layer),
                                                std::make_shared<EncoderBlock>(config, context, noise_)));
    }
    norm_.emplace(*this, "norm", config, first);
    const int64_t answers = context.classes > 0 ? context.classes : context.vocabulary;
    head_ = register_module("head", std::make_shared<Linear>(first, config.width, answers));
  }

  at::Tensor forward(const at::Tensor& inputs) override { return classify(inputs, {}); }
  at::Tensor classify(const at::Tensor& inputs, const at::Tensor& keep_BL) override {
    check_inputs(inputs, keep_BL);
    const at::Tensor patched_keep = keep_of_positions(keep_BL);
    at::Tensor x = placed(read(inputs, keep_BL));
    const at::Tensor keep_BT = with_cls(patched_keep);
    x = dropout(x, config_.dropout, is_training(), noise_.get());
    for (const auto& block : blocks_) x = block->forward(x, keep_BT);
    return head_->forward(pooled((*norm_)(x), keep_BT));
  }
  bool gives_classes() const override { return config_.pooling != "none"; }
  PartCosts costs(int64_t length, int64_t bytes_per_value) const override;
  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }

 private:
  void make_input(const NetContext& context, Initializer& first) {
    const bool is_table = config_.input != "patches", is_direct = is_table && config_.patch == 1;
    if (is_table) {
      const int64_t width = is_direct ? config_.width : config_.id_width;
      embedding_ = register_module(
          "embedding", std::make_shared<Embedding>(first, context.vocabulary, width, kFirstDeviation));
    }
    if (is_direct) return;
    const int64_t each = is_table ? config_.id_width : channels_;
    in_ = register_module("in", std::make_shared<Linear>(first, config_.patch * each, config_.width));
  }
  void check_inputs(const at::Tensor& inputs, const at::Tensor& keep_BL) const;
  at::Tensor keep_of_positions(const at::Tensor& keep_BL) const;
  at::Tensor read(const at::Tensor& inputs, const at::Tensor& keep_BL) const;
  at::Tensor placed(at::Tensor x_BTD) const;
  at::Tensor with_cls(const at::Tensor& keep_BT) const;
  at::Tensor pooled(const at::Tensor& x_BTD, const at::Tensor& keep_BT) const;

  Config config_;
  int64_t length_, channels_;
  std::shared_ptr<Noise> noise_ = std::make_shared<Noise>();
  std::shared_ptr<Embedding> embedding_, positions_;
  std::shared_ptr<Linear> in_, head_;
  at::Tensor cls_, waves_;
  std::vector<std::shared_ptr<EncoderBlock>> blocks_;
  std::optional<EncoderNorm> norm_;
};

void Classifier::check_inputs(const at::Tensor& inputs, const at::Tensor& keep_BL) const {
  if (channels_ > 0)
    expect_shape("classifier", "inputs", inputs, {kAny, kAny, channels_});
  else
    expect_shape("classifier", "inputs", inputs, {kAny, kAny});
  if (keep_BL.defined()) expect_shape("classifier", "keep", keep_BL, {inputs.size(0), inputs.size(1)});
  const bool fits = inputs.size(1) >= 1 && (config_.positions == "none" || inputs.size(1) <= length_);
  if (!fits) {
    throw ShapeError("classifier", "length of inputs = " + std::to_string(inputs.size(1)) +
                                       ": must be 1 to " + std::to_string(length_) +
                                       ", the longest that has a position");
  }
}

// [B,L] -> [B,T]: a position is real where one of its inputs is.
at::Tensor Classifier::keep_of_positions(const at::Tensor& keep_BL) const {
  if (!keep_BL.defined() || config_.patch == 1) return keep_BL;
  const int64_t missing = (config_.patch - keep_BL.size(1) % config_.patch) % config_.patch;
  return at::constant_pad_nd(keep_BL, {0, missing}, 0).unflatten(1, {-1, config_.patch}).any(-1);
}

PartCosts Classifier::costs(int64_t length, int64_t bytes_per_value) const {
  const int64_t positions = config_.sequence(length);
  PartCosts costs;
  if (embedding_) costs.add("embedding", *embedding_, 0);
  if (in_) costs.add("in", *in_, in_->flops((length + config_.patch - 1) / config_.patch));
  if (positions_) costs.add("positions", *positions_, 0);
  for (const auto& block : blocks_) block->add_costs(costs, positions, bytes_per_value);
  costs.add("head", *head_, head_->flops(gives_classes() ? 1 : positions));
  return costs;
}

// Inputs to vectors.  -> [B,T,D]
at::Tensor Classifier::read(const at::Tensor& inputs, const at::Tensor& keep_BL) const {
  at::Tensor x = embedding_ ? embedding_->forward(inputs) : inputs;
  if (keep_BL.defined()) x = x * keep_BL.unsqueeze(-1).to(x.scalar_type());
  if (!in_) return x;
  x = x.to(in_->weight.scalar_type());
  const int64_t missing = (config_.patch - x.size(1) % config_.patch) % config_.patch;
  if (missing > 0) x = at::constant_pad_nd(x, {0, 0, 0, missing}, 0);
  return in_->forward(x.unflatten(1, {-1, config_.patch}).flatten(2));
}

// With the cls vector before and the positions added.
at::Tensor Classifier::placed(at::Tensor x_BTD) const {
  if (cls_.defined())
    x_BTD = at::cat({cls_.expand({x_BTD.size(0), 1, -1}).to(x_BTD.scalar_type()), x_BTD}, 1);
  if (positions_) return x_BTD + positions_->weight.narrow(0, 0, x_BTD.size(1));
  if (waves_.defined()) return x_BTD + waves_.narrow(0, 0, x_BTD.size(1));
  return x_BTD;
}

at::Tensor Classifier::with_cls(const at::Tensor& keep_BT) const {
  if (!keep_BT.defined() || !cls_.defined()) return keep_BT;
  return at::constant_pad_nd(keep_BT, {1, 0}, 1);
}

at::Tensor Classifier::pooled(const at::Tensor& x_BTD, const at::Tensor& keep_BT) const {
  if (config_.pooling == "none") return x_BTD;
  if (config_.pooling == "cls") return x_BTD.select(1, 0);
  if (!keep_BT.defined()) return x_BTD.mean(1);
  const at::Tensor weight = keep_BT.unsqueeze(-1).to(x_BTD.scalar_type());
  return (x_BTD * weight).sum(1) / weight.sum(1).clamp_min(1);
}

void add_to(NetRegistry& r);
void add_to(NetRegistry& r) {
  r.add<Classifier, Config>({.name = "classifier",
                             .summary = "encoder around any mixer, one class a sequence",
                             .source = "Long Range Arena, arXiv 2011.04006; ViT, arXiv 2010.11929",
                             .cost = "the blocks over L / patch positions; D K for the head"});
}

}  // namespace subband::nets::classifier
