// The usual encoder around any mixer: the frame in which mixers are compared on whole sequences.
//   x = input (+ P);  blocks as in residual_block.h;  logits = W pool(norm(x)) + b
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

#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"
#include "models/layers/dropout.h"
#include "models/layers/embedding.h"
#include "models/layers/norms/norm.h"
#include "models/layers/positions/sinusoids.h"
#include "models/layers/projection.h"
#include "models/net.h"
#include "models/nets/residual_block.h"

namespace subband::nets::classifier {

constexpr int64_t kBytes = 256;

struct Config {
  int64_t width = 64;
  int64_t layers = 2;
  std::string input = "tokens";
  int64_t patch = 1;
  int64_t id_width = 16;
  bool causal = false;
  std::string positions = "learned";
  std::string pooling = "mean";
  ResidualFrame frame;
  ResidualParts parts;

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
    b.choice("positions", positions, {"learned", "sinusoidal", "none"},
             "a table of the longest input, fixed waves, or nothing");
    b.check(positions != "sinusoidal" || width % 2 == 0, "width",
            "must be even where positions are sinusoidal");
    frame.bind(b);
    parts.bind(b, framed(c, nullptr));
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
  ResidualFrame framed(const NetContext& c, std::shared_ptr<const Noise> noise) const {
    ResidualFrame whole = frame;
    whole.width = width, whole.layers = layers, whole.causal = causal;
    whole.length = sequence(c.length);
    whole.noise = std::move(noise), whole.initializer = c.initializer;
    return whole;
  }
};

class Classifier final : public Net {
 public:
  Classifier(const Config& config, const NetContext& context)
      : config_(config), length_(context.length), channels_(context.channels) {
    Initializer& first = *context.initializer;
    make_input(context, first);
    const int64_t longest = config.sequence(context.length);
    if (config.pooling == "cls")
      cls_ = add_parameter("cls", first.normal({1, 1, config.width}, 0, config.frame.deviation),
                           {.role = Role::embedding});
    if (config.positions == "learned") {
      positions_ = register_module(
          "positions", std::make_shared<Embedding>(first, longest, config.width, config.frame.deviation));
    } else if (config.positions == "sinusoidal") {
      const at::Tensor waves = first.is_meta() ? first.empty({longest, config.width}).detach()
                                               : sinusoids(at::arange(longest, at::TensorOptions(at::kFloat)),
                                                           config.width, "interleaved");
      waves_ = register_buffer("waves", waves);
    }
    const auto holder = register_module("blocks", std::make_shared<torch::nn::Module>("blocks"));
    for (int64_t layer = 0; layer < config.layers; ++layer) {
      blocks_.push_back(holder->register_module(
          std::to_string(layer),
          std::make_shared<ResidualBlock>(config.parts, config.framed(context, noise_), layer)));
    }
    norm_.emplace(*this, "norm", config.frame.norm, first, config.width);
    const int64_t answers = context.classes > 0 ? context.classes : context.vocabulary;
    const ProjectionPlan plan{
        .purpose = {.role = Role::head, .own_start = true}, .in = config.width, .out = answers};
    head_ = register_module("head", std::make_shared<Projection>(first, plan));
  }

  at::Tensor forward(const at::Tensor& inputs, const Pass& pass) override {
    refuse_state("classifier", pass);
    if (pass.hidden != nullptr) throw ShapeError("classifier", "hidden: this net does not show what stands inside");
    const at::Tensor& keep_BL = pass.keep_BL;
    check_inputs(inputs, keep_BL);
    const at::Tensor patched_keep = keep_of_positions(keep_BL);
    at::Tensor x = in_part("embedding", [&] { return placed(read(inputs, keep_BL)); });
    const at::Tensor keep_BT = with_cls(patched_keep);
    x = dropout(x, config_.frame.dropout, is_training(), noise_.get());
    x = through_blocks(blocks_, x, {.keep_BL = keep_BT}, recompute_ ? noise_ : nullptr);
    const RecordedPart part("head");
    return head_->forward(pooled((*norm_)(x), keep_BT));
  }
  bool gives_classes() const override { return config_.pooling != "none"; }
  PartCosts costs(int64_t length, int64_t bytes_per_value) const override;
  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }
  bool can_recompute() const override { return true; }
  void set_recompute(bool on) override { recompute_ = on; }

 private:
  void make_input(const NetContext& context, Initializer& first) {
    const bool is_table = config_.input != "patches", is_direct = is_table && config_.patch == 1;
    if (is_table) {
      const int64_t width = is_direct ? config_.width : config_.id_width;
      embedding_ = register_module("embedding", std::make_shared<Embedding>(first, context.vocabulary, width,
                                                                            config_.frame.deviation));
    }
    if (is_direct) return;
    const int64_t each = is_table ? config_.id_width : channels_;
    const ProjectionPlan plan{.purpose = {.role = Role::input_projection, .own_start = true},
                              .in = config_.patch * each,
                              .out = config_.width};
    in_ = register_module("in", std::make_shared<Projection>(first, plan));
  }
  void check_inputs(const at::Tensor& inputs, const at::Tensor& keep_BL) const;
  at::Tensor keep_of_positions(const at::Tensor& keep_BL) const;
  at::Tensor read(const at::Tensor& inputs, const at::Tensor& keep_BL) const;
  at::Tensor placed(at::Tensor x_BTD) const;
  at::Tensor with_cls(const at::Tensor& keep_BT) const;
  at::Tensor pooled(const at::Tensor& x_BTD, const at::Tensor& keep_BT) const;

  Config config_;
  int64_t length_, channels_;
  bool recompute_ = false;
  std::shared_ptr<Noise> noise_ = std::make_shared<Noise>();
  std::shared_ptr<Embedding> embedding_, positions_;
  std::shared_ptr<Projection> in_, head_;
  at::Tensor cls_, waves_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  std::optional<Norm> norm_;
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
  x = x.to(in_->type());
  const int64_t missing = (config_.patch - x.size(1) % config_.patch) % config_.patch;
  if (missing > 0) x = at::constant_pad_nd(x, {0, 0, 0, missing}, 0);
  return in_->forward(x.unflatten(1, {-1, config_.patch}).flatten(2));
}

// With the cls vector before and the positions added.
at::Tensor Classifier::placed(at::Tensor x_BTD) const {
  if (cls_.defined())
    x_BTD = at::cat({cls_.expand({x_BTD.size(0), 1, -1}).to(x_BTD.scalar_type()), x_BTD}, 1);
  if (positions_) return x_BTD + positions_->rows(0, x_BTD.size(1));
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

void add_to(NetRegistry& r) {
  r.add<Classifier, Config>({.name = "classifier",
                             .summary = "encoder around any mixer, one class a sequence",
                             .source = "Long Range Arena, arXiv 2011.04006; ViT, arXiv 2010.11929",
                             .cost = "the blocks over L / patch positions; D K for the head",
                             .version = 2});
}

}  // namespace subband::nets::classifier
