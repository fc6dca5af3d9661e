// The wavelet path of WaveletLM, which its blocks and the mixer `wavelet` share.
//   z = [norm] decompose(pad(h));  z_s += bias_s(m, previous);  y = [norm] T⁻¹ mix([largest] T z)
//   W_out reconstruct(w_s dropout(y_s))
// Shapes  B batch, L length, C width, Cp padded width, S scales; h [B,L,C], m = bypass(x) [B,L,C]
// Source  WaveletLM
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "core/slot.h"
#include "models/bypass.h"
#include "models/dilation.h"
#include "models/layers/norms/scale_norm.h"
#include "models/layers/projection.h"
#include "models/lifting.h"
#include "models/module.h"
#include "models/part_cost.h"
#include "models/pass.h"
#include "models/scale_mixer.h"
#include "models/transform.h"

namespace subband {

struct SpectralBranchConfig {
  int64_t levels = 5;
  Slot<Lifting> lifting{"learned"};
  Slot<Dilation> dilation{"dyadic"};
  Slot<Transform> transform{"fwht"};
  Slot<Bypass> bypass{"running_mean"};
  Slot<ScaleMixer> scale_mixer{"gated"};
  bool norm_coefficients = false;
  bool norm_synthesis = false;
  int64_t keep_largest = 0;
  bool skip_projection = false;

  BlockContext surroundings;   ///< set by the owner before bind; `levels` is filled in here
  bool share_lifting = false;  ///< set by the owner before bind
  void bind(Binder& b);
};

/// What an owner hands over besides the context.
struct SpectralBranchOptions {
  std::shared_ptr<Lifting> shared_lifting;  ///< null: the branch makes its own
  bool register_lifting = true;             ///< of a shared one: in the first block only
  double mixer_dropout = 0;
};

class SpectralBranch {
 public:
  /// Registers `lifting`, perhaps `reconstruction`, `transform`, `bypass`, `scale_mixer`, `scale_gains`, the norms that
  /// the config asks for, and `out` unless it skips that, in `owner`.
  SpectralBranch(Module& owner, const SpectralBranchConfig& config, const BlockContext& context,
                 const SpectralBranchOptions& options);
  /// The bypass's summary of the past, and that of the block before, [B,L,C] or [B,1,C]; either may be undefined.
  struct Summaries {
    at::Tensor own, previous;
  };
  /// With a state both go on from the layer's slot, which keeps inputs of the levels and what the bypass adds up.
  at::Tensor forward(const at::Tensor& h_BLC, const Summaries& summaries, const Pass& pass);
  at::Tensor summary(const at::Tensor& x_BLC, const Pass& pass) { return bypass_->summary(x_BLC, pass); }

  bool crosses_windows() const { return bypass_->crosses_windows(); }
  /// Adds what its parts cost over one window under names that begin with `prefix`; `after_another`: not the first block.
  void add_costs(PartCosts& costs, const std::string& prefix, int64_t length, int64_t bytes_per_value,
                 bool after_another) const;

 private:
  void add_projection(Module& owner, const BlockContext& context);
  at::Tensor back(const at::Tensor& mixed_SBLC) const;
  at::Tensor largest(const at::Tensor& z_SBLC) const;

  SpectralBranchOptions options_;
  bool skip_projection_;
  int64_t width_, padded_width_, keep_largest_;
  std::shared_ptr<const Noise> noise_;
  std::shared_ptr<Lifting> lifting_, reconstruction_;  // the same object unless untied
  std::shared_ptr<Transform> transform_;
  std::shared_ptr<Bypass> bypass_;
  std::shared_ptr<ScaleMixer> scale_mixer_;
  std::shared_ptr<Projection> projection_;                           // null where skipped
  std::shared_ptr<ScaleNorms> coefficient_norms_, synthesis_norms_;  // null unless asked for
  at::Tensor scale_gains_S_;
};

}  // namespace subband
