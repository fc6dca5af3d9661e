// WaveletLM: a language model whose blocks mix positions by an undecimated wavelet instead of attention.
//   x = E[ids];  blocks;  logits = W_head LN(x)
// There are no positional embeddings. Over `loop_iterations` passes the loss is the mean over the passes.
// Shapes  B batch, L length, V vocabulary, C width
// Cost    linear in L; per position and block about 24 levels Cp² + 4 S Cp² + 4 e C² flops
// Source  WaveletLM (github.com/ramongougis/WaveletLM), the model of April 2026
#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "models/layers/layer_norm.h"
#include "models/layers/linear.h"
#include "models/net.h"
#include "models/wavelet_block.h"

namespace subband::nets::wavelet_lm {

struct Dropout {
  double embedding = 0, projection = 0, mixer = 0, mlp = 0, lm_head = 0;

  void bind(Binder& b) {
    b.field("embedding", embedding, {0.0, 0.99}, "on the token embeddings");
    b.field("projection", projection, {0.0, 0.99}, "on the output of the wavelet path");
    b.field("mixer", mixer, {0.0, 0.99}, "on the mixed coefficients");
    b.field("mlp", mlp, {0.0, 0.99}, "on the output of an mlp");
    b.field("lm_head", lm_head, {0.0, 0.99}, "before the head");
  }
};

struct Config {
  int64_t width = 64;
  int64_t layers = 2;
  bool share_lifting = true;
  WaveletBlockConfig block;
  bool tie_embedding = false;
  int64_t loop_block = 0;
  int64_t loop_iterations = 1;
  double stochastic_depth = 0;
  Dropout dropout;
  std::vector<std::string> stabilize;
  Stabilizers stabilizers;  // what `stabilize` says

  void bind(Binder& b) {
    b.field("width", width, {1, 1 << 16}, "C, of embeddings and residual stream");
    b.field("layers", layers, {1, 4096}, "blocks");
    b.field("share_lifting", share_lifting,
            "one wavelet for all blocks, not one each (original: shared_lifting_weights)");
    b.field("stabilize", stabilize,
            "scalings against divergence: all, or any of " + words() +
                " (original: stable_parametrization, stab_...)");
    read_stabilizers(b);
    block.surroundings = {
        .width = width, .padded_width = width, .layers = layers, .stabilizers = stabilizers};
    b.group("block", block, "what every block is made of");
    b.field("tie_embedding", tie_embedding,
            "the head is the embedding table (original: tie_embedding_to_lm_head)");
    b.field("loop_block", loop_block, {0, 4096},
            "one block applied so many times instead of `layers` blocks; 0: stacked (original: "
            "looped_blocks_count)");
    b.field("loop_iterations", loop_iterations, {1, 256}, "passes over all blocks; the loss is their mean");
    b.field("stochastic_depth", stochastic_depth, {0.0, 1.0},
            "block i of n is left out in training with probability i/n times this; stacked blocks only");
    b.check(stochastic_depth == 0 || loop_block == 0, "stochastic_depth",
            "must be 0 where loop_block is set: there are no blocks to leave out");
    b.group("dropout", dropout, "rates in training");
  }

 private:
  struct Word {
    const char* name;
    bool Stabilizers::*flag;
  };
  static constexpr Word kWords[] = {{"feed_forward", &Stabilizers::feed_forward},
                                    {"embedding", &Stabilizers::embedding},
                                    {"projection", &Stabilizers::projection},
                                    {"mixer_epsilon", &Stabilizers::mixer_epsilon},
                                    {"lifting_level", &Stabilizers::lifting_level}};
  static std::string words() {
    std::string text;
    for (const Word& word : kWords) text += (text.empty() ? "" : ", ") + std::string(word.name);
    return text;
  }
  void read_stabilizers(Binder& b) {
    for (const std::string& name : stabilize) {
      bool known = false;
      for (const Word& word : kWords)
        if (name == "all" || name == word.name) known = stabilizers.*word.flag = true;
      b.check(known, "stabilize", "knows no '" + name + "'; known: all, " + words());
    }
  }
};

class WaveletLm final : public Net {
 public:
  WaveletLm(const Config& config, const NetContext& context)
      : config_(config), noise_(std::make_shared<Noise>()) {
    Initializer& initializer = *context.initializer;
    const double deviation = 1 / std::sqrt(static_cast<double>(config_.width));
    at::Tensor table = initializer.normal({context.vocabulary, config_.width}, 0, 1);
    initializer.normal_(table, 0, deviation);
    const auto embedding =
        register_module("token_embedding", std::make_shared<torch::nn::Module>("embedding"));
    embedding_VC_ = embedding->register_parameter("weight", table);
    add_blocks(initializer);
    final_norm_ = register_module("final_ln", std::make_shared<LayerNorm>(initializer, config_.width));
    if (config_.tie_embedding) {
      head_VC_ = embedding_VC_;
      return;
    }
    const auto lm_head = std::make_shared<Linear>(initializer, config_.width, context.vocabulary, false);
    head_VC_ = register_module("lm_head", lm_head)->weight;
  }

  at::Tensor forward(const at::Tensor& ids_BL) override { return head(pass_all(ids_BL, nullptr)); }

  at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL) override {
    if (config_.loop_iterations == 1) return Net::loss(ids_BL, targets_BL);
    std::vector<at::Tensor> passes;
    pass_all(ids_BL, &passes);
    at::Tensor sum;
    for (const at::Tensor& x : passes) {
      const at::Tensor term = mean_cross_entropy(head(x), targets_BL);
      sum = sum.defined() ? sum + term : term;
    }
    return sum / static_cast<double>(passes.size());
  }

  PartCosts costs(int64_t length, int64_t bytes_per_value) const override {
    PartCosts costs;
    costs.add("token_embedding", embedding_VC_, 0);
    const int64_t count =
        (config_.loop_block > 0 ? config_.loop_block : config_.layers) * config_.loop_iterations;
    for (int64_t i = 0; i < count; ++i) {
      const auto& block = blocks_[static_cast<size_t>(i) % blocks_.size()];
      block->add_costs(costs, "layers.*.", length, bytes_per_value, i > 0);
    }
    const double head = 2.0 * static_cast<double>(length * head_VC_.numel());
    costs.add("lm_head", head_VC_, head);
    return costs;
  }
  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }
  void reset_state() override { state_BC_ = at::Tensor(); }
  bool carries_state() const override { return carry_ && blocks_[0]->crosses_windows(); }
  void set_carry(bool on) override { carry_ = on; }
  at::Tensor state() const override { return state_BC_; }
  void set_state(const at::Tensor& state_BC) override { state_BC_ = state_BC; }

 private:
  void add_blocks(Initializer& initializer) {
    BlockContext context{.width = config_.width,
                         .levels = config_.block.levels,
                         .layers = config_.layers,
                         .mlp_dropout = config_.dropout.mlp,
                         .stabilizers = config_.stabilizers,
                         .noise = noise_,
                         .initializer = &initializer};
    context.padded_width = config_.block.transform.make(context)->padded_width(config_.width);
    WaveletBlockOptions options;
    options.mixer_dropout = config_.dropout.mixer;
    options.projection_dropout = config_.dropout.projection;
    if (config_.share_lifting) {
      LiftingContext lifting_context;
      static_cast<BlockContext&>(lifting_context) = context;
      lifting_context.dilation = &config_.block.dilation;
      options.shared_lifting = config_.block.lifting.make(lifting_context);
    }
    const auto list = register_module("layers", std::make_shared<torch::nn::Module>("layers"));
    const int64_t count = config_.loop_block > 0 ? 1 : config_.layers;
    for (int64_t i = 0; i < count; ++i) {
      options.register_lifting = i == 0;
      blocks_.push_back(std::make_shared<WaveletBlock>(config_.block, context, options));
      list->register_module(std::to_string(i), blocks_.back());
    }
  }

  // The residual stream after the last pass; after every pass, where `passes` is given.
  at::Tensor pass_all(const at::Tensor& ids_BL, std::vector<at::Tensor>* passes) {
    at::Tensor embedded = at::embedding(embedding_VC_, ids_BL);
    if (config_.stabilizers.embedding) embedded = embedded * std::sqrt(static_cast<double>(config_.width));
    WaveletBlock::Flow flow{dropout(embedded, config_.dropout.embedding, is_training(), noise_.get()),
                            carried(ids_BL.size(0))};
    const int64_t count = config_.loop_block > 0 ? config_.loop_block : config_.layers;
    for (int64_t pass = 0; pass < config_.loop_iterations; ++pass) {
      for (int64_t i = 0; i < count; ++i) {
        if (left_out(i)) continue;
        flow = blocks_[config_.loop_block > 0 ? 0 : static_cast<size_t>(i)]->forward(flow, embedded);
      }
      if (passes) passes->push_back(flow.x_BLC);
    }
    if (carries_state() && flow.summary.defined()) state_BC_ = flow.summary.select(1, -1).detach();
    return flow.x_BLC;
  }

  at::Tensor carried(int64_t batch) const {
    if (!carries_state() || !state_BC_.defined()) return {};
    if (state_BC_.size(0) != batch)
      throw ShapeError("wavelet_lm", "carried state: expected a batch of " +
                                         std::to_string(state_BC_.size(0)) + ", got " +
                                         std::to_string(batch) + "; reset the state between them");
    return state_BC_.unsqueeze(1);
  }

  bool left_out(int64_t i) const {
    if (!is_training() || config_.stochastic_depth == 0) return false;
    if (!noise_->generator.defined())
      throw ShapeError("wavelet_lm",
                       "stochastic_depth: no generator to draw from; call set_generator before training");
    const double rate =
        config_.stochastic_depth * static_cast<double>(i) / static_cast<double>(config_.layers);
    return at::rand({1}, noise_->generator).item<double>() < rate;
  }

  at::Tensor head(const at::Tensor& x_BLC) const {
    const at::Tensor x =
        dropout(final_norm_->forward(x_BLC), config_.dropout.lm_head, is_training(), noise_.get());
    return at::linear(x, head_VC_);
  }

  Config config_;
  std::shared_ptr<Noise> noise_;
  at::Tensor embedding_VC_, head_VC_;
  std::vector<std::shared_ptr<WaveletBlock>> blocks_;
  std::shared_ptr<LayerNorm> final_norm_;
  bool carry_ = true;
  at::Tensor state_BC_;
};

void add_to(NetRegistry& r);
void add_to(NetRegistry& r) {
  r.add<WaveletLm, Config>(
      {.name = "wavelet_lm",
       .summary = "a language model that mixes positions by an undecimated wavelet",
       .source = "WaveletLM (github.com/ramongougis/WaveletLM), April 2026",
       .cost = "linear in L; about 24 levels Cp^2 + 4 S Cp^2 + 4 e C^2 flops per position and block"});
}

}  // namespace subband::nets::wavelet_lm
