// Lifting with one linear map each for predict and update.
//   d_l = (past_l(c_l) - P_l c_l) / sqrt2,  c_{l+1} = (c_l + U_l d_l) / sqrt2;  back: c_l = sqrt2 c_{l+1} - U_l d_l
// Shapes  B batch, L length, C coefficient width; P_l, U_l [C, C] with bias
// Cost    2 levels (C^2 + C) parameters; 6 levels C^2 flops per position
// Source  WaveletLM, linear-only lifting
#include "core/config/binder.h"
#include "models/liftings/ladder_lifting.h"

namespace subband::liftings::linear {

struct Config {
  NetworksConfig networks{.linear = true};
  UntiedConfig untied;

  void bind(Binder& b) {
    bind_init(b, networks.init);
    untied.bind(b);
  }
};

class LinearLifting final : public LadderLifting {
 public:
  LinearLifting(const Config& config, const LiftingContext& context)
      : LadderLifting(config.networks, config.untied, context) {}
};

void add_to(LiftingRegistry& r) {
  r.add<LinearLifting, Config>({.name = "linear",
                                .summary = "lifting steps by one linear map each",
                                .source = "WaveletLM, linear-only lifting",
                                .cost = "2 levels (Cp^2 + Cp) parameters; 6 levels Cp^2 flops per position"});
}

}  // namespace subband::liftings::linear
