// The fast-weight memories of a net learn from the text while it is drawn.
//   every `every` tokens of the text, the prompt's among them:  deltas -= rate * gradient    (fast_weight_memory)
// What they have learnt stands in the text's own state, so every text begins with the memories as they were trained, and
// texts are drawn one at a time.
// Cost    as fast_weight_memory with update_rate
// Source  WaveletLM, fast-weight updates at inference; there they end the program
#include "experiments/sampling.h"

namespace subband::sampling::fast_weight_updates {

using config::Node;

struct Config {
  double rate = 0.01;
  int64_t every = 64;

  void bind(Binder& b) {
    b.field("rate", rate, {0.0, 1e6, true}, "of each change (original: fwpkm_update_lr)");
    b.field("every", every, {2, 1 << 20}, "tokens of the text that make one change (original: fwpkm_chunk_size)");
  }
};

class FastWeightUpdates final : public Sampling {
 public:
  FastWeightUpdates(const Config& config, const SamplingContext&) : config_(config) {}
  SamplingStage stage() const override { return SamplingStage::net; }
  void adapt(Node& recipe) const override {
    Node* net = recipe.find("net");
    if (net == nullptr || switch_on(*net) == 0)
      throw ConfigError("", "strategies.fast_weight_updates: the net has no fast_weight_memory that could learn", "bad_value");
  }

 private:
  int64_t switch_on(Node& node) const {
    if (!node.is(Node::Kind::map)) return 0;
    int64_t found = 0;
    const Node* type = node.find("type");
    if (type != nullptr && type->is(Node::Kind::string) && type->string() == "fast_weight_memory") {
      node.set("update_rate", Node(config_.rate));
      node.set("update_every", Node(config_.every));
      found = 1;
    }
    for (config::Entry& entry : node.entries()) found += switch_on(entry.value);
    return found;
  }

  Config config_;
};

void add_to(SamplingRegistry& r) {
  r.add<FastWeightUpdates, Config>({.name = "fast_weight_updates",
                                    .summary = "fast-weight memories learn from the text while it is drawn",
                                    .source = "WaveletLM, fast-weight updates at inference",
                                    .cost = "as fast_weight_memory with update_rate"});
}

}  // namespace subband::sampling::fast_weight_updates
