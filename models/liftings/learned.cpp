// The learned lifting: predict and update are small networks, a pair per level.
//   d_l = (past_l(c_l) - P_l(c_l)) / sqrt2,  c_{l+1} = (c_l + U_l(d_l)) / sqrt2;  back: c_l = sqrt2 c_{l+1} - U_l(d_l)
//   P, U:  N(x) = W3 dropout(GELU(W0 x + b0)) + b3, W0 [hC, C], W3 [C, hC]
// The way back reads the update networks only; no constraint ties the predictions to it.
// Shapes  B batch, L length, C coefficient width, h hidden multiplier
// Cost    levels 4 h C (C + 1/2) parameters about; 12 levels h C^2 flops per position
// Source  WaveletLM, learned lifting
#include "core/config/binder.h"
#include "models/liftings/ladder.h"

namespace subband::liftings::learned {

struct Config {
  NetworksConfig networks;
  UntiedConfig untied;

  void bind(Binder& b) {
    bind_hidden_multiplier(b, networks.hidden_multiplier);
    bind_init(b, networks.init);
    bind_dropout(b, networks.dropout);
    untied.bind(b);
  }
};

class Learned final : public Lifting {
 public:
  Learned(const Config& config, const LiftingContext& context)
      : untied_(config.untied.untied_reconstruction),
        ladder_(
            *this, config.networks, context,
            {.predictions = config.untied.idle_predictions, .damped = context.stabilizers.lifting_level}) {}

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) override {
    return ladder_.decompose(h_BLC, memory);
  }
  at::Tensor reconstruct(const at::Tensor& z_SBLC) override { return ladder_.reconstruct(z_SBLC); }
  double flops(int64_t length) const override { return ladder_.flops(length); }
  int64_t kept_rows(int64_t length) const override { return ladder_.kept_rows(length); }
  bool untied() const override { return untied_; }

 private:
  bool untied_;
  Ladder ladder_;
};

void add_to(LiftingRegistry& r) {
  r.add<Learned, Config>(
      {.name = "learned",
       .summary = "lifting steps by small networks, a pair per level",
       .source = "WaveletLM, learned lifting",
       .cost = "2 levels (2 h Cp^2 + (h + 1) Cp) parameters; 12 levels h Cp^2 flops per position",
       .version = 2});
}

}  // namespace subband::liftings::learned
