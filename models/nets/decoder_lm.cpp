// The usual decoder around any causal mixer: the frame in which mixers are compared.
//   x = E[ids] (+ P);  per block  x += mixer(norm(x)),  x += Σ channel_mixers(norm(x));  logits = W norm(x)
// With carry_memory a mixer's inputs of the last window stand before those of this one; no gradient enters them.
// Shapes  B batch, L length, D width, V vocabulary
// Cost    2 V D (V D where tied) parameters besides the blocks
// Source  GPT-2 (learned positions, layer norm, GELU) and LLaMA (RoPE in the mixer, RMSNorm, SwiGLU); segments that
//         remember: Transformer-XL, arXiv 1901.02860
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/stack.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
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
            "windows hand the memory of their mixers (transformer_xl) on to the next, as one text; for "
            "task.windows = sequential");
    b.check(!carry_memory || positions == "none", "carry_memory",
            "must be false with positions that begin anew in every window; set positions = none");
    // Nets of before this field are known without it.
    if (!carry_memory) b.cosmetic({"carry_memory"});
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
          std::to_string(layer), std::make_shared<ResidualBlock>(config.parts_of(layer), frame)));
    }
    if (carries_) check_memories();
    norm_.emplace(*this, "norm", frame.norm, first, width_);
    if (config.tied) return;
    const ProjectionPlan plan{
        .purpose = {.role = Role::head}, .in = width_, .out = context.vocabulary, .bias = false};
    head_ = register_module("head", std::make_shared<Projection>(first, plan));
    frame.draw_projections(*head_);
  }

  at::Tensor forward(const at::Tensor& ids_BL) override { return forward_pass(ids_BL, {}); }

  at::Tensor forward_pass(const at::Tensor& ids_BL, const NetPass& pass) override {
    expect_shape("decoder_lm", "ids", ids_BL, {kAny, kAny});
    if (pass.keep_BL.defined())
      expect_shape("decoder_lm", "keep", pass.keep_BL, {ids_BL.size(0), ids_BL.size(1)});
    at::Tensor x = dropout(embedded(ids_BL, 0), dropout_, is_training(), noise_.get());
    const bool remembers = carries_state() && !pass.keep_BL.defined();  // padding has no place in a stream
    for (size_t i = 0; i < blocks_.size(); ++i) {
      if (pass.hidden) pass.hidden->push_back(x);
      const bool from_memory = remembers && blocks_[i]->mixer().carries_memory();
      x = from_memory ? blocks_[i]->extend(x, memory_of(i, x.size(0)))
                      : blocks_[i]->forward(x, pass.keep_BL, recompute_ ? noise_ : nullptr);
    }
    x = (*norm_)(x);
    if (pass.hidden) pass.hidden->push_back(x);
    return logits(x);
  }

  bool has_step() const override {
    for (const auto& block : blocks_) {
      if (!block->mixer().has_step()) return false;
    }
    return true;
  }
  at::Tensor extend(const at::Tensor& ids_BL, NetState& state) override {
    expect_shape("decoder_lm", "ids", ids_BL, {kAny, kAny});
    state.layers.resize(blocks_.size());
    at::Tensor x = embedded(ids_BL, state.position);
    for (size_t i = 0; i < blocks_.size(); ++i) x = blocks_[i]->extend(x, state.layers[i]);
    state.position += ids_BL.size(1);
    return logits((*norm_)(x));
  }
  at::Tensor step(const at::Tensor& ids_B, NetState& state) override {
    expect_shape("decoder_lm", "ids", ids_B, {kAny});
    return extend(ids_B.unsqueeze(1), state).squeeze(1);
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
  void reset_state() override { memories_.clear(); }
  bool carries_state() const override { return carries_ && carry_; }
  void set_carry(bool on) override { carry_ = on; }
  /// [blocks with a memory, B, M, D]
  at::Tensor state() const override {
    std::vector<at::Tensor> all;
    for (const MixerState& state : memories_)
      if (const auto found = state.tensors.find("memory"); found != state.tensors.end())
        all.push_back(found->second);
    return all.empty() ? at::Tensor() : at::stack(all);
  }
  void set_state(const at::Tensor& memories) override {
    memories_.assign(blocks_.size(), {});
    int64_t next = 0;
    for (size_t i = 0; i < blocks_.size(); ++i)
      if (blocks_[i]->mixer().carries_memory()) memories_[i].tensors["memory"] = memories[next++];
  }
  /// Not with a memory: computing a block again would move it on again.
  bool can_recompute() const override { return !carries_; }
  void set_recompute(bool on) override { recompute_ = on; }

 private:
  // The state is one tensor, so those who remember must remember equally much.
  void check_memories() const {
    constexpr int64_t kForever = int64_t{1} << 40;  // longer than any memory
    std::vector<int64_t> sizes;
    for (const auto& block : blocks_)
      if (block->mixer().carries_memory()) sizes.push_back(block->mixer().state_bytes(kForever, 1));
    const auto refuse = [](const char* rule) {
      throw ConfigError("", std::string("net.carry_memory = true: ") + rule, "bad_value");
    };
    if (sizes.empty()) refuse("no mixer of this net has a memory to carry; transformer_xl has");
    for (const int64_t size : sizes)
      if (size != sizes[0]) refuse("all mixers with a memory must remember equally many tokens");
  }

  MixerState& memory_of(size_t block, int64_t batch) {
    memories_.resize(blocks_.size());
    MixerState& state = memories_[block];
    const auto found = state.tensors.find("memory");
    if (found != state.tensors.end() && found->second.size(0) != batch) {
      throw ShapeError("decoder_lm", "carried memory: expected a batch of " +
                                         std::to_string(found->second.size(0)) + ", got " +
                                         std::to_string(batch) + "; reset the state between them");
    }
    return state;
  }

  at::Tensor logits(const at::Tensor& x) const { return head_ ? head_->forward(x) : embedding_->logits(x); }

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
  bool carries_, carry_ = true;
  std::vector<MixerState> memories_;  // one a block; empty before the first window
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
                            .cost = "2 V D parameters and the blocks"});
}

}  // namespace subband::nets::decoder_lm
