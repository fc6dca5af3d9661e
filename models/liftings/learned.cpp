// The learned lifting: predict and update are small networks, a pair per level.
//   d_l = (past_l(c_l) - P_l(c_l)) / sqrt2,  c_{l+1} = (c_l + U_l(d_l)) / sqrt2;  back: c_l = sqrt2 c_{l+1} - U_l(d_l)
//   P, U:  N(x) = W3 dropout(GELU(W0 x + b0)) + b3, W0 [hC, C], W3 [C, hC]
// The way back reads the update networks only; no constraint ties the predictions to it.
// Shapes  B batch, L length, C coefficient width, h hidden multiplier
// Cost    levels 4 h C (C + 1/2) parameters about; 12 levels h C^2 flops per position
// Source  WaveletLM, learned lifting
#include "core/config/binder.h"
#include "models/liftings/ladder_lifting.h"

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

class Learned final : public LadderLifting {
 public:
  Learned(const Config& config, const LiftingContext& context)
      : LadderLifting(config.networks, config.untied, context) {}
};

void add_to(LiftingRegistry& r) {
  r.add<Learned, Config>(
      {.name = "learned",
       .summary = "lifting steps by small networks, a pair per level",
       .source = "WaveletLM, learned lifting",
       .cost = "2 levels (2 h Cp^2 + (h + 1) Cp) parameters; 12 levels h Cp^2 flops per position",
       .version = 3});
}

}  // namespace subband::liftings::learned
