// A product-key memory whose values carry changes that are made while generating, kept apart from the weights.
//   y = sum over heads and rows of softmax(sa[i] + sb[j]) (values + deltas)[i n + j]     (product_keys.h)
// In training the changes are zero and this is exactly a second product-key memory.
// Cost    as product_key_memory, and keys H C values of buffer
// Source  WaveletLM, fast-weight product-key memory
#include <ATen/TensorOperators.h>
#include <ATen/ops/any.h>

#include "models/channel_mixer.h"
#include "models/channel_mixers/product_keys.h"

namespace subband::channel_mixers::fast_weight_memory {

using Config = ProductKeysConfig;

class FastWeightMemory final : public ChannelMixer {
 public:
  FastWeightMemory(const Config& config, const BlockContext& context) : keys_(*this, config, context) {
    deltas_ = register_buffer("value_deltas", context.initializer->zeros(keys_.values().sizes()));
  }
  at::Tensor forward(const at::Tensor& x_BLC) override {
    const at::Tensor table = changed() ? keys_.values() + deltas_ : keys_.values();
    return read_rows(table, keys_.choose(x_BLC)).view_as(x_BLC);
  }
  double flops(int64_t length) const override { return keys_.flops(length); }
  std::string module_name() const override { return "fwpkm"; }
  std::string gain_name() const override { return "alpha_fwpkm"; }

 private:
  // Looks at the table again only after somebody wrote to it.
  bool changed() {
    if (deltas_.is_meta()) return false;
    if (static_cast<int64_t>(deltas_._version()) != seen_version_) {
      seen_version_ = static_cast<int64_t>(deltas_._version());
      changed_ = deltas_.any().item<bool>();
    }
    return changed_;
  }

  ProductKeys keys_;
  at::Tensor deltas_;
  int64_t seen_version_ = -1;
  bool changed_ = false;
};

void add_to(ChannelMixerRegistry& r);
void add_to(ChannelMixerRegistry& r) {
  r.add<FastWeightMemory, Config>({.name = "fast_weight_memory",
                                   .summary = "a product-key memory with changes of its values kept apart",
                                   .source = "WaveletLM, fast-weight product-key memory",
                                   .cost = "as product_key_memory, and a buffer as large as its values"});
}

}  // namespace subband::channel_mixers::fast_weight_memory
