// The net of WaveletLM, which `wavelet_lm` is and `multinodal` runs several of in lockstep.
//   x = E[ids];  blocks;  logits = W_head LN(x)
// Shapes  B batch, L length, V vocabulary, C width
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/embedding.h"
#include "models/layers/norms/layer_norm.h"
#include "models/layers/projection.h"
#include "models/net.h"
#include "models/wavelet/wavelet_block.h"

namespace subband {

struct WaveletDropout {
  double embedding = 0, projection = 0, mixer = 0, mlp = 0, lm_head = 0;

  void bind(Binder& b);
};

struct WaveletNetConfig {
  int64_t width = 64;
  int64_t layers = 2;
  bool share_lifting = true;
  WaveletBlockConfig block;
  bool tie_embedding = false;
  int64_t loop_block = 0;
  int64_t loop_iterations = 1;
  double stochastic_depth = 0;
  WaveletDropout dropout;
  std::vector<std::string> stabilize;

  Stabilizers stabilizers;     ///< what `stabilize` says
  bool imposed_width = false;  ///< the owner sets `width`, which is no field then
  void bind(Binder& b);

 private:
  void bind_stabilizers(Binder& b);
};

class WaveletNet final : public Net {
 public:
  WaveletNet(const WaveletNetConfig& config, const NetContext& context);

  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override;
  at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass) override;
  PartCosts costs(int64_t length, int64_t bytes_per_value) const override;
  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }
  bool can_recompute() const override { return true; }
  void set_recompute(bool on) override { recompute_ = on; }
  int64_t most_tokens() const override { return kEndless; }
  Carry carries() const override { return blocks_[0]->crosses_windows() ? Carry::across : Carry::nothing; }

  // Block by block, for those who run several nets side by side.

  /// What goes from block to block. The slots of the state that it uses begin at `around.layer`.
  struct Stream {
    Pass around;
    WaveletBlock::Flow flow;
    at::Tensor embedded_BLC;  ///< for blocks that add it; undefined: they go without
    int64_t applied = 0;      ///< blocks, those left out included
  };
  Stream start(const at::Tensor& ids_BL, const Pass& pass);
  /// Of one pass over the net: a looped block counts as often as it is applied.
  int64_t applications() const { return config_.loop_block > 0 ? config_.loop_block : config_.layers; }
  int64_t loop_iterations() const { return config_.loop_iterations; }
  at::Tensor logits(const at::Tensor& ids_BL, const Pass& pass);  ///< forward, but that the state does not move on
  int64_t slots() const { return applications() * config_.loop_iterations; }  ///< of a state
  void advance(Stream& stream, int64_t application);
  /// As `costs`, under names that begin with `prefix`.
  void add_costs(PartCosts& costs, const std::string& prefix, int64_t length, int64_t bytes_per_value) const;
  void finish(const Stream& stream);               ///< keeps what goes on from window to window
  at::Tensor head(const at::Tensor& x_BLC) const;  ///< Shapes  [B,L,C] -> [B,L,V]
  /// The mean cross-entropy behind the head, without all logits at once.
  at::Tensor head_loss(const at::Tensor& x_BLC, const at::Tensor& targets_BL) const;

  const Embedding& embedding() const { return *embedding_; }  ///< [V,C], the head too where tied

 private:
  void add_blocks(Initializer& initializer);
  at::Tensor pass_all(const at::Tensor& ids_BL, const Pass& pass, std::vector<at::Tensor>* passes);
  bool left_out(int64_t application) const;
  at::Tensor before_head(const at::Tensor& x_BLC) const;

  WaveletNetConfig config_;
  std::shared_ptr<Noise> noise_;
  std::shared_ptr<Embedding> embedding_;
  std::shared_ptr<Projection> head_;  ///< null where tied
  std::vector<std::shared_ptr<WaveletBlock>> blocks_;
  std::shared_ptr<LayerNorm> final_norm_;
  bool recompute_ = false;
};

}  // namespace subband
