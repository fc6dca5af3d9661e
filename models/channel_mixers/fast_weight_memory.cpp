// A product-key memory whose values carry changes that are made while generating, kept apart from the weights.
//   y = sum over heads and rows of softmax(sa[i] + sb[j]) (values + deltas)[i n + j]     (product_keys.h)
// In training the changes are zero and this is exactly a second product-key memory. While the net is used, each
// stretch of a stream teaches it to say what the next position will read:
//   deltas -= rate ∂/∂deltas mean((y(h_t) - h_{t+1})²),
//   that is  2 rate / (N C) sum_t w[t,row] (y(h_t) - h_{t+1})
// Cost    as product_key_memory, and keys H C values of buffer
// Source  WaveletLM, fast-weight product-key memory
#include <ATen/TensorOperators.h>
#include <ATen/ops/any.h>
#include <c10/core/GradMode.h>

#include <utility>

#include "models/channel_mixer.h"
#include "models/channel_mixers/product_keys.h"

namespace subband::channel_mixers::fast_weight_memory {

struct Config {
  ProductKeysConfig lookup;
  double update_rate = 0;
  int64_t update_every = 64;

  void bind(Binder& b, const BlockContext& c) {
    lookup.bind(b, c);
    b.field("update_rate", update_rate, {0.0, 1e6},
            "step of the changes made while generating and in streaming evaluation; 0: none (original: "
            "fwpkm_update_lr, with its updates switched on)");
    b.field("update_every", update_every, {2, 1 << 20},
            "tokens of a stream that make one change (original: fwpkm_chunk_size)");
  }
};

class FastWeightMemory final : public ChannelMixer {
 public:
  FastWeightMemory(const Config& config, const BlockContext& context)
      : config_(config), keys_(*this, config.lookup, context) {
    deltas_ = register_buffer("value_deltas", context.initializer->zeros(keys_.values().sizes()));
  }
  at::Tensor forward(const at::Tensor& x_BLC) override {
    return read_rows(table(), keys_.choose(x_BLC)).view_as(x_BLC);
  }

  int64_t learns_every() const override { return config_.update_rate > 0 ? config_.update_every : 0; }
  // The gradient is written out, so that it needs no graph. What stood in the table before the first change is
  // kept: a checkpoint may bring changes of its own.
  void learn(const at::Tensor& x_BLC) override {
    const int64_t pairs = x_BLC.size(1) - 1;
    if (config_.update_rate == 0 || pairs < 1) return;
    const c10::NoGradGuard no_gradients;
    if (!before_.defined()) before_ = deltas_.clone();
    const at::Tensor targets = x_BLC.narrow(1, 1, pairs).flatten(0, 1).to(deltas_.scalar_type());
    const ProductKeys::Choice choice = keys_.choose(x_BLC.narrow(1, 0, pairs).contiguous());
    const at::Tensor error_NC = read_rows(table(), choice).to(deltas_.scalar_type()) - targets;
    const at::Tensor weights_NR = choice.weights_NR.to(deltas_.scalar_type());
    const double step = -2 * config_.update_rate / static_cast<double>(error_NC.numel());
    deltas_.index_add_(0, choice.rows_NR.flatten(),
                       (weights_NR.unsqueeze(2) * error_NC.unsqueeze(1)).flatten(0, 1), step);
  }
  void forget() override {
    if (!before_.defined()) return;
    const c10::NoGradGuard no_gradients;
    deltas_.copy_(std::exchange(before_, at::Tensor()));
  }
  double flops(int64_t length) const override { return keys_.flops(length); }
  std::string module_name() const override { return "fwpkm"; }
  std::string gain_name() const override { return "alpha_fwpkm"; }

 private:
  at::Tensor table() { return changed() ? keys_.values() + deltas_ : keys_.values(); }
  // Looks at the table again only after somebody wrote to it.
  bool changed() {
    if (deltas_.is_meta()) return false;
    if (static_cast<int64_t>(deltas_._version()) != seen_version_) {
      seen_version_ = static_cast<int64_t>(deltas_._version());
      changed_ = deltas_.any().item<bool>();
    }
    return changed_;
  }

  Config config_;
  ProductKeys keys_;
  at::Tensor deltas_, before_;
  int64_t seen_version_ = -1;
  bool changed_ = false;
};

void add_to(ChannelMixerRegistry& r) {
  r.add<FastWeightMemory, Config>({.name = "fast_weight_memory",
                                   .summary = "a product-key memory with changes of its values kept apart",
                                   .source = "WaveletLM, fast-weight product-key memory",
                                   .cost = "as product_key_memory, and a buffer as large as its values",
                                   .version = 2});
}

}  // namespace subband::channel_mixers::fast_weight_memory
