// The usual decoder around any causal mixer: the frame in which mixers are compared.
//   x = E[ids] (+ P);  per block  x += mixer(norm(x)),  x += Σ channel_mixers(norm(x));  logits = W norm(x)
// With carry_memory training windows go on where the last one ended; no gradient enters what it left.
// Shapes  B batch, L length, D width, V vocabulary
// Cost    2 V D (V D where tied) parameters besides the blocks
// Source  GPT-2 (learned positions, layer norm, GELU) and LLaMA (RoPE in the mixer, RMSNorm, SwiGLU); segments that
//         remember: Transformer-XL, arXiv 1901.02860
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/ops/products/linear_cross_entropy.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/expect.h"
#include "models/layers/embedding.h"
#include "models/layers/positions/sinusoids.h"
#include "models/layers/projection.h"
#include "models/net.h"
#include "models/nets/residual_block.h"

namespace subband::nets::decoder_lm {

struct Config {
  ResidualFrame frame;
  ResidualParts parts;
  std::vector<ResidualParts> blocks;  ///< cycled over the layers; empty: `parts` everywhere
  std::string positions = "learned";
  bool tied = false;
  bool carry_memory = false;

  void bind(Binder& b, const NetContext& c) {
    b.field("width", frame.width, {1, 1 << 20}, "D, of the residual stream");
    b.field("layers", frame.layers, {1, 1024}, "blocks");
    frame.length = c.length;
    frame.initializer = c.initializer;
    parts.bind(b, frame);
    bind_blocks(b);
    b.choice("positions", positions, {"learned", "sinusoidal", "none"},
             "a table of the longest window, sines and cosines, or nothing");
    b.check(positions != "sinusoidal" || frame.width % 2 == 0, "positions",
            "must not be sinusoidal for an odd width = " + std::to_string(frame.width));
    frame.bind(b);
    b.field("tied", tied, "the head is the embedding's table");
    b.field("carry_memory", carry_memory,
            "training windows go on from the state of their mixers, which keep so much of the last one; for "
            "task.windows = sequential")
        .since(false);
    b.check(!carry_memory || positions == "none", "carry_memory",
            "must be false with positions that begin anew in every window; set positions = none");
  }

  const ResidualParts& parts_of(int64_t layer) const {
    return blocks.empty() ? parts : blocks[static_cast<size_t>(layer) % blocks.size()];
  }

 private:
  // An item is a mixer's name or a map of a block's parts; what it does not name is the net's own.
  void bind_blocks(Binder& b) {
    using config::Node;
    const Node* written = b.take("blocks");
    b.record([&] {
      return FieldInfo{.path = b.path_of("blocks"),
                       .type = "tree",
                       .standard = Node::list(),
                       .help =
                           "list of unlike blocks, cycled over the layers (every fourth may be attention); a "
                           "plain name is a "
                           "mixer's; what a block does not name is that of the net"};
    });
    std::vector<Node> items;
    if (written != nullptr && !written->is(Node::Kind::list)) {
      b.complain("blocks", written, "expected a list of blocks");
      written = nullptr;
    }
    for (const Node& item : written ? written->items() : std::vector<Node>()) {
      const bool is_name = item.is(Node::Kind::string);
      if (!is_name && !item.is(Node::Kind::map)) {
        b.complain("blocks", &item, "expected a mixer's name, or a map with 'mixer' and 'channel_mixers'");
        continue;
      }
      Node named = Node::map(), bound = Node::map();
      if (is_name) named.set("mixer", item);
      ResidualParts own = parts;
      const std::string path = b.path_of("blocks") + "." + std::to_string(blocks.size());
      Binder inner(b.session(), is_name ? named : item, bound, path);
      own.bind_given(inner, frame);
      inner.finish_keys();
      blocks.push_back(own);
      items.push_back(bound);
    }
    Node resolved = Node::list(std::move(items));
    if (written) resolved.place = written->place;
    b.resolve("blocks", std::move(resolved));
  }
};

class DecoderLm final : public Net {
 public:
  DecoderLm(const Config& config, const NetContext& context)
      : width_(config.frame.width),
        length_(context.length),
        sinusoidal_(config.positions == "sinusoidal"),
        dropout_(config.frame.dropout),
        carries_(config.carry_memory) {
    ResidualFrame frame = config.frame;
    frame.initializer = context.initializer;
    frame.length = context.length;
    frame.noise = noise_;
    Initializer& first = *context.initializer;
    embedding_ = register_module(
        "embedding", std::make_shared<Embedding>(first, context.vocabulary, width_, frame.deviation));
    if (config.positions == "learned") {
      positions_ =
          register_module("positions", std::make_shared<Embedding>(first, length_, width_, frame.deviation));
    }
    const auto holder = register_module("blocks", std::make_shared<torch::nn::Module>("blocks"));
    for (int64_t layer = 0; layer < frame.layers; ++layer) {
      blocks_.push_back(holder->register_module(
          std::to_string(layer), std::make_shared<ResidualBlock>(config.parts_of(layer), frame, layer)));
    }
    if (carries_) check_carried();
    norm_.emplace(*this, "norm", frame.norm, first, width_);
    if (config.tied) return;
    const ProjectionPlan plan{
        .purpose = {.role = Role::head}, .in = width_, .out = context.vocabulary, .bias = false};
    head_ = register_module("head", std::make_shared<Projection>(first, plan));
    frame.draw_projections(*head_);
  }

  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override {
    const at::Tensor x = normed(ids_BL, pass);
    const RecordedPart part("head");
    return head_ ? head_->forward(x) : embedding_->logits(x);
  }
  at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass) override {
    const WeightMatrix& head = head_ ? static_cast<const WeightMatrix&>(*head_) : *embedding_;
    if (!head.is_plain()) return Net::loss(ids_BL, targets_BL, pass);
    const at::Tensor x = normed(ids_BL, pass);
    const RecordedPart part("head");
    return linear_cross_entropy(x.flatten(0, 1), head.dense(), targets_BL.flatten());
  }
  int64_t most_tokens() const override {
    for (const auto& block : blocks_)
      if (!block->mixer().can_continue()) return 0;
    return positions_ ? length_ : kEndless;
  }

  PartCosts costs(int64_t length, int64_t bytes_per_value) const override {
    PartCosts costs;
    costs.add("embedding", *embedding_, 0);
    if (positions_) costs.add("positions", *positions_, 0);
    for (const auto& block : blocks_) block->add_costs(costs, length, bytes_per_value);
    if (head_)
      costs.add("head", *head_, head_->flops(length));
    else
      costs.add("head", *embedding_, embedding_->logits_flops(length));
    return costs;
  }

  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }
  Carry carries() const override { return carries_ ? Carry::everything : Carry::nothing; }
  bool can_recompute() const override { return true; }
  void set_recompute(bool on) override { recompute_ = on; }

 private:
  void check_carried() const {
    constexpr int64_t kForever = int64_t{1} << 40;  // longer than any memory
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Mixer& mixer = blocks_[i]->mixer();
      const auto refuse = [i](const char* rule) {
        throw ConfigError("", "net.carry_memory = true: the mixer of block " + std::to_string(i) + " " + rule,
                          "bad_value");
      };
      if (!mixer.can_continue()) refuse("cannot go on from a past");
      if (mixer.state_bytes(kForever, 1) != mixer.state_bytes(2 * kForever, 1))
        refuse("keeps every token, and would keep the whole run; transformer_xl has a memory of fixed length");
    }
  }

  // What the head reads.
  at::Tensor normed(const at::Tensor& ids_BL, const Pass& pass) {
    expect_shape("decoder_lm", "ids", ids_BL, {pass.batch(), kAny});
    if (pass.keep_BL.defined())
      expect_shape("decoder_lm", "keep", pass.keep_BL, {ids_BL.size(0), ids_BL.size(1)});
    at::Tensor x = in_part("embedding", [&] {
      return dropout(embedded(ids_BL, pass.position()), dropout_, is_training(), noise_.get());
    });
    x = through_blocks(blocks_, x, pass, recompute_ ? noise_ : nullptr);
    x = in_part("norms", [&] { return (*norm_)(x); });
    if (pass.hidden) pass.hidden->push_back(x);
    if (pass.state) pass.state->advance(ids_BL.size(1));
    return x;
  }

  // Tokens whose first one stands at position `first`.
  at::Tensor embedded(const at::Tensor& ids_BL, int64_t first) const {
    const at::Tensor x = embedding_->forward(ids_BL);
    const int64_t length = ids_BL.size(1);
    if (sinusoidal_) {
      const auto options = x.options().requires_grad(false);
      const at::Tensor places = at::arange(first, first + length, options.dtype(at::kFloat));
      return x + sinusoids(places, width_, "interleaved").to(options);
    }
    if (!positions_) return x;
    if (first + length > length_) {
      throw ShapeError("decoder_lm", "length of ids = " + std::to_string(first + length) +
                                         ": must be at most " + std::to_string(length_) +
                                         ", the table of learned positions");
    }
    return x + positions_->rows(first, length);
  }

  int64_t width_, length_;
  bool sinusoidal_, recompute_ = false;
  double dropout_;
  bool carries_;
  std::shared_ptr<Noise> noise_ = std::make_shared<Noise>();
  std::shared_ptr<Embedding> embedding_, positions_;
  std::vector<std::shared_ptr<ResidualBlock>> blocks_;
  std::optional<Norm> norm_;
  std::shared_ptr<Projection> head_;
};

void add_to(NetRegistry& r) {
  r.add<DecoderLm, Config>({.name = "decoder_lm",
                            .summary = "decoder around any causal mixer",
                            .source = "GPT-2 (Radford et al. 2019); LLaMA, arXiv 2302.13971",
                            .cost = "2 V D parameters and the blocks",
                            .version = 3});
}

}  // namespace subband::nets::decoder_lm
