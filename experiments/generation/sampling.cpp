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

namespace {

// The logits behind a growing text.
class GrowingText {
 public:
  GrowingText(Net& net, const SampleOptions& options) : net_(net), options_(options) {}

  at::Tensor after(const std::vector<int32_t>& ids) {
    const int64_t size = std::ssize(ids), most = net_.most_tokens();
    if (most == 0) return read(ids, std::min(options_.length, size), nullptr);  // such a net knows whole windows alone
    int64_t fresh = size - seen_;
    if (state_.position() + fresh > most) {
      state_ = SequenceState();
      fresh = std::min(size, std::max<int64_t>(1, most / 2));
    }
    seen_ = size;
    return read(ids, fresh, &state_);
  }

 private:
  // Of the last `count` ids.
  at::Tensor read(const std::vector<int32_t>& ids, int64_t count, SequenceState* state) {
    const at::Tensor fresh =
        at::tensor(at::ArrayRef<int32_t>(ids).slice(ids.size() - static_cast<size_t>(count)), at::kLong);
    const Autocast autocast(options_.precision);
    return net_.forward(fresh.unsqueeze(0).to(options_.device), {.state = state}).select(0, 0).select(0, count - 1);
  }

  Net& net_;
  const SampleOptions& options_;
  SequenceState state_;
  int64_t seen_ = 0;
};

}  // namespace

std::string sample_text(Net& net, const Tokenizer& tokenizer, const SampleOptions& options) {
  const EvaluationMode mode(net);
  std::vector<int32_t> ids;
  tokenizer.encode(options.config.prompt, ids);
  if (ids.empty()) throw ConfigError("", "samples.prompt: must have at least one token", "bad_value");
  at::Generator generator = stream(options.seed, "sample");
  GrowingText text(net, options);
  for (int64_t drawn = 0; drawn < options.config.tokens; ++drawn)
    ids.push_back(static_cast<int32_t>(
        draw_token(text.after(ids), options.config.temperature, options.config.top_p, generator)));
  return tokenizer.decode(ids);
}

}  // namespace subband
