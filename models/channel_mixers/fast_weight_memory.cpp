// A product-key memory whose values carry changes that are made while a sequence goes on, kept apart from the weights.
//   y = sum over heads and rows of softmax(sa[i] + sb[j]) (values + deltas)[i n + j]     (product_keys.h)
// In training the changes are zero and this is exactly a second product-key memory. In evaluation, with a state, each
// `update_every` tokens of the sequence teach it to say what the next position will read:
//   deltas -= rate ∂/∂deltas mean((y(h_t) - h_{t+1})²),
//   that is  2 rate / (N C) sum_t w[t,row] (y(h_t) - h_{t+1})
// The changes stand in the layer's slot of the state, so a batch of one alone learns; a looped block learns at each of its
// places for itself.
// Cost    as product_key_memory, and keys H C values of buffer
// Source  WaveletLM, fast-weight product-key memory
#include <ATen/TensorOperators.h>
#include <ATen/ops/any.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "core/tensors/expect.h"
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
            "step of the changes made in evaluation, where sequences go on; 0: none (original: "
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
  at::Tensor forward(const at::Tensor& x_BLC, LayerState* memory) override {
    if (memory == nullptr || !learns() || is_training()) return read(x_BLC, {});
    expect_shape("fast_weight_memory", "x, where weights learn", x_BLC, {1, kAny, kAny});
    RowBuffer& seen = memory->rows("across.seen", config_.update_every);
    if (!memory->value("across.deltas").defined())
      memory->put("across.deltas", at::zeros_like(keys_.values().detach()).unsqueeze(0));
    const at::Tensor deltas = memory->value("across.deltas").select(0, 0);
    std::vector<at::Tensor> y;
    for (int64_t start = 0; start < x_BLC.size(1);) {
      const int64_t left = config_.update_every - seen.count() % config_.update_every;
      const at::Tensor x = x_BLC.narrow(1, start, std::min(left, x_BLC.size(1) - start));
      y.push_back(read(x, c10::GradMode::is_enabled() ? deltas.clone() : deltas));
      seen.push(x.detach());
      if (seen.count() % config_.update_every == 0) learn(seen.kept(), deltas);
      start += x.size(1);
    }
    return at::cat(y, 1);
  }
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const override {
    if (!learns()) return 0;
    const int64_t seen = std::min(length, config_.update_every) * keys_.values().size(1);
    return (keys_.values().numel() + seen) * bytes_per_value;
  }
  double flops(int64_t length) const override { return keys_.flops(length); }

 private:
  bool learns() const { return config_.update_rate > 0; }
  // `deltas` [keys H,C]: beside those of the buffer, or undefined.
  at::Tensor read(const at::Tensor& x_BLC, const at::Tensor& deltas) {
    const at::Tensor y = deltas.defined() || changed() ? read(keys_.choose(x_BLC), deltas) : keys_.look_up(x_BLC);
    return y.view_as(x_BLC).to(x_BLC.scalar_type());
  }
  at::Tensor read(const ProductKeys::Choice& choice, const at::Tensor& deltas) {
    const at::Tensor y = product_key_paths::read(changed() ? keys_.values() + deltas_ : keys_.values(), choice);
    return deltas.defined() ? y + product_key_paths::read(deltas, choice) : y;
  }
  // The gradient is written out, so that it needs no graph.
  void learn(const at::Tensor& x_BLC, const at::Tensor& deltas) {
    const c10::NoGradGuard no_gradients;
    const int64_t pairs = x_BLC.size(1) - 1;
    const at::Tensor targets = x_BLC.narrow(1, 1, pairs).flatten(0, 1).to(deltas.scalar_type());
    const ProductKeys::Choice choice = keys_.choose(x_BLC.narrow(1, 0, pairs).contiguous());
    const at::Tensor error_NC = read(choice, deltas).to(deltas.scalar_type()) - targets;
    const at::Tensor weights_NR = choice.weights_NR.to(deltas.scalar_type());
    const double step = -2 * config_.update_rate / static_cast<double>(error_NC.numel());
    deltas.index_add_(0, choice.rows_NR.flatten(), (weights_NR.unsqueeze(2) * error_NC.unsqueeze(1)).flatten(0, 1),
                      step);
  }
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
  at::Tensor deltas_;
  int64_t seen_version_ = -1;
  bool changed_ = false;
};

void add_to(ChannelMixerRegistry& r) {
  r.add<FastWeightMemory, Config>({.name = "fast_weight_memory",
                                   .summary = "a product-key memory with changes of its values kept apart",
                                   .source = "WaveletLM, fast-weight product-key memory",
                                   .cost = "as product_key_memory, and a buffer as large as its values",
                                   .version = 3});
}

}  // namespace subband::channel_mixers::fast_weight_memory
