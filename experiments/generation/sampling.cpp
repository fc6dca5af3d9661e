#include "experiments/generation/sampling.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/tensors/autocast.h"
#include "core/tensors/random.h"
#include "experiments/tasks/evaluation.h"

namespace subband {

int64_t draw_token(const at::Tensor& logits_V, double temperature, double top_p, at::Generator& generator) {
  const at::Tensor logits = logits_V.to(at::kCPU, at::kDouble);
  if (temperature == 0) return logits.argmax().item<int64_t>();
  const auto [sorted, order] = at::sort(logits.div(temperature).softmax(0), /*stable=*/true, /*dim=*/0,
                                        /*descending=*/true);
  const double* probability = sorted.const_data_ptr<double>();
  int64_t kept = 0;
  double mass = 0;
  while (kept < sorted.numel() && (kept == 0 || mass < top_p)) mass += probability[kept++];
  double left = at::rand({1}, generator, at::TensorOptions(at::kDouble)).item<double>() * mass;
  int64_t chosen = 0;
  while (chosen + 1 < kept && left >= probability[chosen]) left -= probability[chosen++];
  return order[chosen].item<int64_t>();
}

std::string sample_text(Net& net, const Tokenizer& tokenizer, const SampleOptions& options) {
  const EvaluationMode mode(net);
  std::vector<int32_t> ids;
  tokenizer.encode(options.config.prompt, ids);
  if (ids.empty()) throw ConfigError("", "samples.prompt: must have at least one token", "bad_value");
  at::Generator generator = stream(options.seed, "sample");
  for (int64_t drawn = 0; drawn < options.config.tokens; ++drawn) {
    const auto window = std::min<int64_t>(options.length, std::ssize(ids));
    const at::Tensor seen =
        at::tensor(at::ArrayRef<int32_t>(ids).slice(ids.size() - static_cast<size_t>(window)), at::kLong);
    at::Tensor logits_LV;
    {
      const Autocast autocast(options.precision);
      logits_LV = net.forward(seen.unsqueeze(0).to(options.device)).select(0, 0);
    }
    const at::Tensor last = logits_LV.select(0, window - 1);
    ids.push_back(
        static_cast<int32_t>(draw_token(last, options.config.temperature, options.config.top_p, generator)));
    const int64_t every = net.learns_every();
    if (every == 0 || (drawn + 1) % every != 0) continue;
    const auto stretch = std::min<int64_t>({every, options.length, std::ssize(ids)});
    const at::Tensor lately =
        at::tensor(at::ArrayRef<int32_t>(ids).slice(ids.size() - static_cast<size_t>(stretch)), at::kLong);
    net.learn(lately.unsqueeze(0).to(options.device));
  }
  return tokenizer.decode(ids);
}

}  // namespace subband
