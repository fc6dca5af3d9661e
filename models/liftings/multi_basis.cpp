// Several learned wavelets at once, whose coefficients are blended scale by scale.
//   z_s = sum_k w[k,s'] z_s^(k),  w = softmax over k of basis_weights;  back: h = sum_k w[k,0] reconstruct_k(z)
// s' counts from the approximation (0) over the finest detail (1) to the coarsest (levels).
// Every wavelet's way back reads the same blended coefficients, so the reconstruction is exact only where the
// wavelets agree or one of them has all the weight.
// Shapes  B batch, L length, C coefficient width, S scales, K bases; basis_weights [K,S]
// Cost    K times the cost of one lifting
// Source  WaveletLM, multi-basis lifting
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/liftings/ladder.h"

namespace subband::liftings::multi_basis {

constexpr double kFirstBasis = 10.0;  // the first basis starts with nearly all the weight

struct Config {
  std::vector<std::string> bases = {"haar", "random"};
  NetworksConfig networks;
  UntiedConfig untied;

  void bind(Binder& b, const LiftingContext& c) {
    b.field("bases", bases,
            "initial weights of each wavelet, as `init` of learned (original: multi_basis_inits)");
    b.check(!bases.empty(), "bases", "must name at least one");
    for (const std::string& base : bases)
      b.check(std::ranges::count(init_words(), base) == 1, "bases",
              "knows no '" + base + "'; known: haar, zero, random, uniform");
    b.field("linear", networks.linear,
            "one linear map each for predict and update (original: lifting_linear_only)");
    bind_hidden_multiplier(b, networks.hidden_multiplier);
    bind_dropout(b, networks.dropout);
    untied.bind(b);
    b.check(!c.shared, "bases", "cannot be shared by all blocks; set share_lifting = false");
  }
};

class MultiBasis final : public Lifting {
 public:
  MultiBasis(const Config& config, const LiftingContext& context)
      : untied_(config.untied.untied_reconstruction) {
    const auto list = register_module("bases", std::make_shared<torch::nn::Module>("bases"));
    // The set that only reconstructs is never damped, as in the original.
    const Networks::Options options{.predictions = config.untied.idle_predictions,
                                    .damped = context.dilation && context.stabilizers.lifting_level};
    for (const std::string& base : config.bases) {
      NetworksConfig networks = config.networks;
      networks.init = base;
      const auto owner =
          list->register_module(std::to_string(ladders_.size()), std::make_shared<Module>("wavelet"));
      ladders_.emplace_back(*owner, networks, context, options);
    }
    at::Tensor weights =
        context.initializer->zeros({static_cast<int64_t>(config.bases.size()), context.scales()});
    weights.select(0, 0).fill_(kFirstBasis);
    weights_KS_ = add_parameter("weights", weights, {.role = Role::router});
  }

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) override {
    const at::Tensor weights_KS = weights_KS_.softmax(0);
    // Columns count the details from the finest, scales from the coarsest.
    const at::Tensor by_scale = at::cat({weights_KS.narrow(1, 0, 1), weights_KS.slice(1, 1).flip(1)}, 1);
    size_t basis = 0;
    const auto decomposed = [&](const Ladder& ladder) {
      return ladder.decompose(h_BLC, memory ? &memory->part(std::to_string(basis++)) : nullptr);
    };
    return blend(decomposed, by_scale.unsqueeze(2).unsqueeze(2).unsqueeze(2));
  }

  at::Tensor reconstruct(const at::Tensor& z_SBLC) override {
    return blend([&](const Ladder& ladder) { return ladder.reconstruct(z_SBLC); },
                 weights_KS_.softmax(0).select(1, 0));
  }

  double flops(int64_t length) const override {
    return static_cast<double>(ladders_.size()) * ladders_[0].flops(length);
  }
  int64_t kept_rows(int64_t length) const override {  // every basis looks back for itself
    return static_cast<int64_t>(ladders_.size()) * ladders_[0].kept_rows(length);
  }
  bool untied() const override { return untied_; }

 private:
  template <class Apply>
  at::Tensor blend(const Apply& apply, const at::Tensor& weights_K) const {
    at::Tensor sum;
    for (size_t k = 0; k < ladders_.size(); ++k) {
      const at::Tensor term = apply(ladders_[k]) * weights_K.select(0, static_cast<int64_t>(k));
      sum = sum.defined() ? sum + term : term;
    }
    return sum;
  }

  bool untied_;
  std::vector<Ladder> ladders_;
  at::Tensor weights_KS_;
};

void add_to(LiftingRegistry& r) {
  r.add<MultiBasis, Config>({.name = "multi_basis",
                             .summary = "several learned wavelets, blended scale by scale",
                             .source = "WaveletLM, multi-basis lifting",
                             .cost = "as many times the cost of one lifting as there are bases"});
}

}  // namespace subband::liftings::multi_basis
