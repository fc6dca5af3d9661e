#include "experiments/generation/strategies.h"

#include <algorithm>

#include "core/error.h"
#include "experiments/generation/probabilities.h"

namespace subband {

const char* const Sampling::kKind = "sampling";

static int64_t count_at(const SamplingParts& parts, SamplingStage stage) {
  return std::ranges::count_if(parts, [&](const auto& part) { return part->stage() == stage; });
}

std::string Strategies::complaint(const SamplingParts& parts) {
  if (count_at(parts, SamplingStage::temperature) > 1)
    return "temperature and adaptive_temperature both set the temperature; remove one";
  if (count_at(parts, SamplingStage::coherence) > 0 && count_at(parts, SamplingStage::nucleus) == 0)
    return "coherence lowers the top_p of nucleus; add nucleus";
  for (const SamplingStage stage : {SamplingStage::penalty, SamplingStage::top_k, SamplingStage::nucleus, SamplingStage::min_p,
                                    SamplingStage::choice, SamplingStage::attempts})
    if (count_at(parts, stage) > 1) return "one strategy is there twice; remove one";
  return "";
}

Strategies::Strategies(SamplingParts parts) : parts_(std::move(parts)) {
  if (const std::string wrong = complaint(parts_); !wrong.empty()) throw ConfigError("", "strategies: " + wrong, "bad_value");
  std::ranges::stable_sort(parts_, {}, [](const auto& part) { return part->stage(); });
}

DrawnToken Strategies::draw(SamplingStep& step, Rollout& rollout, double uniform) const {
  const auto past_penalty = std::ranges::find_if(
      parts_, [](const auto& part) { return part->stage() > SamplingStage::penalty; });
  for (auto part = parts_.begin(); part != past_penalty; ++part) (*part)->apply(step);
  step.entropy = entropy(step.logits);
  for (auto part = past_penalty; part != parts_.end(); ++part) (*part)->apply(step);
  std::optional<int32_t> chosen;
  for (const auto& part : parts_)
    if (!chosen) chosen = part->choose(step, rollout);
  const int32_t id = chosen ? *chosen : token_at(step.logits, uniform);
  return {.id = id, .log_probability = log_probability(step.logits, id), .entropy = step.entropy, .drift = step.drift};
}

int64_t Strategies::attempts() const {
  int64_t most = 1;
  for (const auto& part : parts_) most = std::max(most, part->attempts());
  return most;
}

std::string Strategies::finished(std::string text) const {
  for (const auto& part : parts_) text = part->finished(text);
  return text;
}

void Strategies::adapt(config::Node& recipe) const {
  for (const auto& part : parts_) part->adapt(recipe);
}

bool Strategies::has(SamplingStage stage) const { return count_at(parts_, stage) > 0; }

}  // namespace subband
