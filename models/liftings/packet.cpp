// Wavelet packets: details are split further too, by learned steps.
//   one split of c:  d = (past(c) - P(c)) / sqrt2,  a = (c + U(d)) / sqrt2;   back: c = sqrt2 a - U(d)
// `levels` splits make levels + 1 bands, as many as any other lifting has, so that an ablation keeps the frame. Every
// split takes the shallowest band, the coarsest of them first: the tree is as balanced as it can be, and full at
// levels = 2^k - 1. A band j splits deep looks back 2^j (the dilation's level j), so the packet resolves frequency
// where the wavelet reaches back: 7 bands see 7 positions, not 127.
// Shapes  B batch, L length, C coefficient width, S bands, in the order of the tree from approximation to detail
// Cost    as learned: levels pairs of networks
// Source  R. Coifman and M. Wickerhauser, IEEE Trans. Information Theory 38, 1992; the balanced tree: ours
#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/config/binder.h"
#include "models/lifting.h"
#include "models/liftings/networks.h"

namespace subband::liftings::packet {

struct Config {
  NetworksConfig networks;

  void bind(Binder& b) {
    b.field("linear", networks.linear, "one linear map each for predict and update");
    bind_hidden_multiplier(b, networks.hidden_multiplier);
    bind_init(b, networks.init);
    bind_dropout(b, networks.dropout);
  }
};

/// The split that turns the band at `place` of the list into two, at `place` (a) and `place` + 1 (d).
struct Split {
  size_t place;
  int64_t depth;  ///< splits above this one
};

static std::vector<Split> balanced_tree(int64_t splits) {
  std::vector<Split> tree;
  std::vector<int64_t> depths = {0};
  for (int64_t i = 0; i < splits; ++i) {
    const auto shallowest = std::ranges::min_element(depths);
    const auto place = static_cast<size_t>(shallowest - depths.begin());
    tree.push_back({place, *shallowest});
    depths.insert(depths.begin() + static_cast<std::ptrdiff_t>(place), ++depths[place]);
  }
  return tree;
}

class Packet final : public Lifting {
 public:
  Packet(const Config& config, const LiftingContext& context)
      : tree_(balanced_tree(context.levels)),
        dilation_(register_module("dilation", context.dilation->make(context))),
        networks_(*this, config.networks, context, {.damped = context.stabilizers.lifting_level}) {}

  at::Tensor decompose(const at::Tensor& h_BLC, LayerState* memory) override {
    std::vector<at::Tensor> bands = {h_BLC};
    for (size_t i = 0; i < tree_.size(); ++i) {
      const auto [place, depth] = tree_[i];
      const auto level = static_cast<int64_t>(i);
      const at::Tensor c = bands[place];
      RowBuffer* before = memory ? &memory->rows("split." + std::to_string(i), dilation_->reach(depth)) : nullptr;
      const at::Tensor d = (dilation_->past(c, depth, before) - networks_.predict(c, level)) * std::sqrt(0.5);
      bands[place] = (c + networks_.update(d, level)) * std::sqrt(0.5);
      bands.insert(bands.begin() + static_cast<std::ptrdiff_t>(place) + 1, d);
    }
    return at::stack(bands);
  }

  at::Tensor reconstruct(const at::Tensor& z_SBLC) override {
    std::vector<at::Tensor> bands = z_SBLC.unbind(0);
    for (size_t i = tree_.size(); i-- > 0;) {
      const size_t place = tree_[i].place;
      const at::Tensor d = bands[place + 1];
      bands[place] = bands[place] * std::sqrt(2.0) - networks_.update(d, static_cast<int64_t>(i));
      bands.erase(bands.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
    return bands[0];
  }

  double flops(int64_t length) const override { return networks_.flops(length); }
  int64_t kept_rows(int64_t length) const override {  // of every split, though several have the same depth
    int64_t rows = 0;
    for (const Split& split : tree_) rows += std::min(length, dilation_->reach(split.depth));
    return rows;
  }

 private:
  std::vector<Split> tree_;
  std::shared_ptr<Dilation> dilation_;
  Networks networks_;
};

void add_to(LiftingRegistry& r) {
  r.add<Packet, Config>({.name = "packet",
                         .summary = "wavelet packets: details are split further too",
                         .source = "Coifman and Wickerhauser 1992; the balanced tree: ours",
                         .cost = "as learned: levels pairs of networks"});
}

}  // namespace subband::liftings::packet
