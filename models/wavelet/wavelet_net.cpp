#include "models/wavelet/wavelet_net.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/ops/products/linear_cross_entropy.h"
#include "core/tensors/costs/recorded.h"
#include "models/layers/recompute.h"

namespace subband {

void WaveletDropout::bind(Binder& b) {
  b.field("embedding", embedding, {0.0, 0.99}, "on the token embeddings");
  b.field("projection", projection, {0.0, 0.99}, "on the output of the wavelet path");
  b.field("mixer", mixer, {0.0, 0.99}, "on the mixed coefficients");
  b.field("mlp", mlp, {0.0, 0.99}, "on the output of an mlp");
  b.field("lm_head", lm_head, {0.0, 0.99}, "before the head");
}

namespace {

struct StabilizerWord {
  const char* name;
  bool Stabilizers::*flag;
};
constexpr StabilizerWord kStabilizerWords[] = {
    {"spectral_norm", &Stabilizers::spectral_norm}, {"feed_forward", &Stabilizers::feed_forward},
    {"embedding", &Stabilizers::embedding},         {"projection", &Stabilizers::projection},
    {"mixer_epsilon", &Stabilizers::mixer_epsilon}, {"lifting_level", &Stabilizers::lifting_level}};

std::string stabilizer_words() {
  std::string text;
  for (const StabilizerWord& word : kStabilizerWords)
    text += (text.empty() ? "" : ", ") + std::string(word.name);
  return text;
}

}  // namespace

void WaveletNetConfig::bind(Binder& b) {
  if (!imposed_width) b.field("width", width, {1, 1 << 16}, "C, of embeddings and residual stream");
  b.field("layers", layers, {1, 4096}, "blocks");
  b.field("share_lifting", share_lifting,
          "one wavelet for all blocks, not one each (original: shared_lifting_weights)");
  bind_stabilizers(b);
  block.surroundings = {.width = width, .padded_width = width, .layers = layers, .stabilizers = stabilizers};
  block.share_lifting = share_lifting;
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

// A list of words; one word may stand for the list that holds it.
void WaveletNetConfig::bind_stabilizers(Binder& b) {
  const std::string help = "scalings against divergence: all, or a list of " + stabilizer_words() +
                           " (original: stable_parametrization, stab_...)";
  const config::Node* written = b.take("stabilize");
  if (written && written->is(config::Node::Kind::string)) {
    stabilize = {written->string()};
    b.record([&] {
      return FieldInfo{.path = b.path_of("stabilize"),
                       .type = "list of strings",
                       .standard = config::Node::list(),
                       .help = help};
    });
    config::Node resolved = config::Node::list({*written});
    resolved.place = written->place;
    b.resolve("stabilize", std::move(resolved));
  } else {
    b.field("stabilize", stabilize, help);
  }
  for (const std::string& name : stabilize) {
    bool known = false;
    for (const StabilizerWord& word : kStabilizerWords)
      if (name == "all" || name == word.name) known = stabilizers.*word.flag = true;
    b.check(known, "stabilize", "knows no '" + name + "'; known: all, " + stabilizer_words());
  }
}

WaveletNet::WaveletNet(const WaveletNetConfig& config, const NetContext& context)
    : config_(config), noise_(std::make_shared<Noise>()) {
  Initializer& initializer = *context.initializer;
  const double deviation = 1 / std::sqrt(static_cast<double>(config_.width));
  embedding_ = register_module(
      "embedding", std::make_shared<Embedding>(initializer, context.vocabulary, config_.width, 1));
  initializer.normal_(embedding_->first_table(), 0, deviation);
  add_blocks(initializer);
  final_norm_ = register_module("norm", std::make_shared<LayerNorm>(initializer, config_.width));
  if (config_.tie_embedding) return;
  const ProjectionPlan plan{
      .purpose = {.role = Role::head}, .in = config_.width, .out = context.vocabulary, .bias = false};
  head_ = register_module("head", std::make_shared<Projection>(initializer, plan));
}

void WaveletNet::add_blocks(Initializer& initializer) {
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
    lifting_context.shared = true;
    options.shared_lifting = config_.block.lifting.make(lifting_context);
  }
  const auto list = register_module("blocks", std::make_shared<torch::nn::Module>("blocks"));
  const int64_t count = config_.loop_block > 0 ? 1 : config_.layers;
  for (int64_t i = 0; i < count; ++i) {
    options.register_lifting = i == 0;
    blocks_.push_back(std::make_shared<WaveletBlock>(config_.block, context, options));
    list->register_module(std::to_string(i), blocks_.back());
  }
}

at::Tensor WaveletNet::forward(const at::Tensor& ids_BL, const Pass& pass) {
  const at::Tensor logits = this->logits(ids_BL, pass);
  if (pass.state) pass.state->advance(ids_BL.size(1));
  return logits;
}

at::Tensor WaveletNet::logits(const at::Tensor& ids_BL, const Pass& pass) {
  return head(pass_all(ids_BL, pass, nullptr));
}

at::Tensor WaveletNet::loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass) {
  std::vector<at::Tensor> passes;
  pass_all(ids_BL, pass, &passes);
  if (pass.state) pass.state->advance(ids_BL.size(1));
  at::Tensor sum;
  for (const at::Tensor& x : passes) {
    const at::Tensor term = head_loss(x, targets_BL);
    sum = sum.defined() ? sum + term : term;
  }
  return passes.size() == 1 ? sum : sum / static_cast<double>(passes.size());
}

PartCosts WaveletNet::costs(int64_t length, int64_t bytes_per_value) const {
  PartCosts costs;
  add_costs(costs, "", length, bytes_per_value);
  return costs;
}

void WaveletNet::add_costs(PartCosts& costs, const std::string& prefix, int64_t length,
                           int64_t bytes_per_value) const {
  costs.add(prefix + "embedding", *embedding_, 0);
  for (int64_t i = 0; i < applications() * config_.loop_iterations; ++i) {
    const auto& block = blocks_[static_cast<size_t>(i) % blocks_.size()];
    block->add_costs(costs, prefix + "blocks.*.", length, bytes_per_value, i > 0);
  }
  if (carries() == Carry::across)  // the last summary
    costs.add_state(prefix + "layers.*.bypass", config_.width * sum_bytes(bytes_per_value));
  if (head_)
    costs.add(prefix + "head", *head_, head_->flops(length));
  else
    costs.add(prefix + "head", *embedding_, embedding_->logits_flops(length));
}

// The residual stream after the last pass; after every pass, where `passes` is given.
at::Tensor WaveletNet::pass_all(const at::Tensor& ids_BL, const Pass& pass, std::vector<at::Tensor>* passes) {
  Stream stream = start(ids_BL, pass);
  for (int64_t iteration = 0; iteration < config_.loop_iterations; ++iteration) {
    for (int64_t i = 0; i < applications(); ++i) advance(stream, i);
    if (passes) passes->push_back(stream.flow.x_BLC);
  }
  finish(stream);
  return stream.flow.x_BLC;
}

// Of a window before, or of the last tokens: under cross_window the first block reads what the last one has left.
static constexpr const char* kLastSummary = "across.summary";

WaveletNet::Stream WaveletNet::start(const at::Tensor& ids_BL, const Pass& pass) {
  expect_plain_pass("wavelet_lm", ids_BL, pass);
  if (pass.position() > 0 && is_training() && config_.stochastic_depth > 0)
    throw ShapeError("wavelet_lm", "stochastic_depth: a block that is left out cannot go on from a past in training");
  at::Tensor embedded = in_part("embedding", [&] { return embedding_->forward(ids_BL); });
  if (config_.stabilizers.embedding) embedded = embedded * std::sqrt(static_cast<double>(config_.width));
  at::Tensor last;
  if (pass.state && carries() == Carry::across) last = pass.memory()->value(kLastSummary);
  return {.around = pass,
          .flow = {dropout(embedded, config_.dropout.embedding, is_training(), noise_.get()),
                   last.defined() ? last.unsqueeze(1) : last},
          .embedded_BLC = embedded};
}

void WaveletNet::advance(Stream& stream, int64_t application) {
  Pass pass = stream.around;
  pass.layer += stream.applied++;
  if (left_out(application)) return;
  const auto& block = blocks_[config_.loop_block > 0 ? 0 : static_cast<size_t>(application)];
  const RecordedPart part("blocks", application);
  if (!recompute_ || !is_training() || !c10::GradMode::is_enabled()) {
    stream.flow = block->forward(stream.flow, stream.embedded_BLC, pass);
    return;
  }
  // The second run starts from a copy of the state, for the first one has moved it on.
  const auto kept = pass.state ? std::make_shared<const SequenceState>(*pass.state) : nullptr;
  const auto is_first = std::make_shared<bool>(true);
  const auto outputs = recomputed(
      [block, pass, kept, is_first](const std::vector<at::Tensor>& in) -> std::vector<at::Tensor> {
        SequenceState state;
        Pass own = pass;
        if (kept && !std::exchange(*is_first, false)) state = *kept, own.state = &state;
        const WaveletBlock::Flow out = block->forward({in[0], in[1]}, in[2], own);
        return {out.x_BLC, out.summary};
      },
      {stream.flow.x_BLC, stream.flow.summary, stream.embedded_BLC}, noise_);
  stream.flow = {outputs[0], outputs[1]};
}

void WaveletNet::finish(const Stream& stream) {
  const at::Tensor& summary = stream.flow.summary;
  if (!stream.around.state || carries() != Carry::across || !summary.defined()) return;
  stream.around.memory()->put(kLastSummary, summary.select(1, summary.size(1) - 1).detach());
}

bool WaveletNet::left_out(int64_t application) const {
  if (!is_training() || config_.stochastic_depth == 0) return false;
  if (!noise_->generator.defined())
    throw ShapeError("wavelet_lm",
                     "stochastic_depth: no generator to draw from; call set_generator before training");
  const double rate =
      config_.stochastic_depth * static_cast<double>(application) / static_cast<double>(config_.layers);
  return at::rand({1}, noise_->generator).item<double>() < rate;
}

at::Tensor WaveletNet::before_head(const at::Tensor& x_BLC) const {
  return dropout(final_norm_->forward(x_BLC), config_.dropout.lm_head, is_training(), noise_.get());
}

at::Tensor WaveletNet::head(const at::Tensor& x_BLC) const {
  const RecordedPart part("head");
  const at::Tensor x = before_head(x_BLC);
  return head_ ? head_->forward(x) : embedding_->logits(x);
}

at::Tensor WaveletNet::head_loss(const at::Tensor& x_BLC, const at::Tensor& targets_BL) const {
  const WeightMatrix& last = head_ ? static_cast<const WeightMatrix&>(*head_) : *embedding_;
  if (!last.is_plain()) return mean_cross_entropy(head(x_BLC), targets_BL);
  const RecordedPart part("head");
  return linear_cross_entropy(before_head(x_BLC).flatten(0, 1), last.dense(), targets_BL.flatten());
}

}  // namespace subband
