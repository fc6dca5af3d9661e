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

  at::Tensor forward(const at::Tensor& ids_BL) override;
  at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL) override;
  PartCosts costs(int64_t length, int64_t bytes_per_value) const override;
  void set_generator(const at::Generator& generator) override { noise_->generator = generator; }
  bool can_recompute() const override { return true; }
  void set_recompute(bool on) override { recompute_ = on; }
  void reset_state() override;
  bool carries_state() const override { return carry_ && blocks_[0]->crosses_windows(); }
  void set_carry(bool on) override { carry_ = on; }
  at::Tensor state() const override { return state_BC_; }
  void set_state(const at::Tensor& state_BC) override { state_BC_ = state_BC; }
  int64_t learns_every() const override;
  void learn(const at::Tensor& ids_BL) override;

  // Block by block, for those who run several nets side by side.

  /// What goes from block to block.
  struct Pass {
    WaveletBlock::Flow flow;
    at::Tensor embedded_BLC;  ///< for blocks that add it; undefined: they go without
  };
  Pass start(const at::Tensor& ids_BL);
  /// Of one pass over the net: a looped block counts as often as it is applied.
  int64_t applications() const { return config_.loop_block > 0 ? config_.loop_block : config_.layers; }
  int64_t loop_iterations() const { return config_.loop_iterations; }
  void advance(Pass& pass, int64_t application);
  /// As `costs`, under names that begin with `prefix`.
  void add_costs(PartCosts& costs, const std::string& prefix, int64_t length, int64_t bytes_per_value) const;
  void keep_state(const Pass& pass);               ///< for the next window, where one is carried
  at::Tensor head(const at::Tensor& x_BLC) const;  ///< Shapes  [B,L,C] -> [B,L,V]

  /// While on, the blocks remember what their channel mixers read; `learn_from_seen` gives it to them.
  void remember(bool on);
  void learn_from_seen();

  const Embedding& embedding() const { return *embedding_; }  ///< [V,C], the head too where tied

 private:
  void add_blocks(Initializer& initializer);
  at::Tensor pass_all(const at::Tensor& ids_BL, std::vector<at::Tensor>* passes);
  at::Tensor carried(int64_t batch) const;
  bool left_out(int64_t application) const;

  WaveletNetConfig config_;
  std::shared_ptr<Noise> noise_;
  std::shared_ptr<Embedding> embedding_;
  std::shared_ptr<Projection> head_;  ///< null where tied
  std::vector<std::shared_ptr<WaveletBlock>> blocks_;
  std::shared_ptr<LayerNorm> final_norm_;
  bool carry_ = true, recompute_ = false;
  at::Tensor state_BC_;
};

}  // namespace subband
