// A large table of values, of which every position reads the few rows that its query's product keys choose.
//   y = sum over heads and rows of softmax(sa[i] + sb[j]) values[i n + j]     (product_keys.h)
// Cost    keys H C + C² + 2 n C parameters / H-independent; top_k C H flops per position besides the scores
// Source  G. Lample et al., Large Memory Layers with Product Keys, arXiv 1907.05242; WaveletLM
#include "models/channel_mixer.h"
#include "models/channel_mixers/product_keys.h"

namespace subband::channel_mixers::product_key_memory {

using Config = ProductKeysConfig;

class ProductKeyMemory final : public ChannelMixer {
 public:
  ProductKeyMemory(const Config& config, const BlockContext& context) : keys_(*this, config, context) {}
  at::Tensor forward(const at::Tensor& x_BLC, LayerState*) override {
    return keys_.look_up(x_BLC).view_as(x_BLC).to(x_BLC.scalar_type());
  }
  double flops(int64_t length) const override { return keys_.flops(length); }

 private:
  ProductKeys keys_;
};

void add_to(ChannelMixerRegistry& r) {
  r.add<ProductKeyMemory, Config>(
      {.name = "product_key_memory",
       .summary = "a value table read through product keys",
       .source = "Lample et al., arXiv 1907.05242; WaveletLM",
       .cost = "keys H C + C^2 + n C parameters; 2 n C + top_k H C flops per position",
       .version = 3});
}

}  // namespace subband::channel_mixers::product_key_memory
