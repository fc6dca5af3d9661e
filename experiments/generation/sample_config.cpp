#include "experiments/generation/sample_config.h"

#include <algorithm>

#include "experiments/generation/strategies.h"

namespace subband {

using config::Node;

void SampleConfig::bind(Binder& b) {
  b.field("prompt", prompt, "text to go on from");
  b.field("tokens", tokens, {0, 1e6}, "tokens to draw when the run is done; 0: no sample");
  b.field("temperature", temperature, {0.0, 100.0},
          "logits are divided by it; 0: always the likeliest token");
  b.field("top_p", top_p, {0.0, 1.0, true}, "draw from the smallest set of tokens that has this probability");
  b.check(tokens == 0 || !prompt.empty(), "prompt", "must not be empty");
  const size_t before = b.session().problems.size();
  b.parts("strategies", strategies, SamplingContext{}, "more of the decoding, side by side; they work in a fixed order")
      .since(Node::map());
  if (b.session().problems.size() == before) bind_strategies(b);
  b.cosmetic({"prompt", "tokens", "temperature", "top_p", "strategies"});
}

// The two plain fields are short for parts.
void SampleConfig::bind_strategies(Binder& b) {
  const auto add = [&](const char* type, const char* field, double value) {
    Node spec = Node::map();
    spec.set("type", Node(type));
    spec.set(field, Node(value));
    parts.push_back(make_part<Sampling>(*b.session().registry, spec));
  };
  parts.clear();
  if (temperature != 1) add("temperature", "value", temperature);
  if (top_p < 1) add("nucleus", "top_p", top_p);
  for (const auto& [label, slot] : strategies.all()) parts.push_back(slot.make({}));
  const std::string wrong = Strategies::complaint(parts);
  b.check(wrong.empty(), "strategies", wrong);
  const bool change_net =
      std::ranges::any_of(parts, [](const auto& part) { return part->stage() == SamplingStage::net; });
  b.check(!change_net, "strategies",
          "fast_weight_updates changes the net, which a run does not do; draw such text with `subband generate`");
}

}  // namespace subband
