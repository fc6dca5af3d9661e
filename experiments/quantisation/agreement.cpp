#include "experiments/quantisation/agreement.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace subband {

namespace {

struct AgreementSums {
  double nats = 0, kl = 0, same = 0;

  // logits [N,V], targets [N]
  void add(const at::Tensor& dense_NV, const at::Tensor& packed_NV, const at::Tensor& targets_N) {
    const at::Tensor p = at::log_softmax(dense_NV.to(at::kDouble), 1),
                     q = at::log_softmax(packed_NV.to(at::kDouble), 1);
    nats -= q.gather(1, targets_N.unsqueeze(1)).sum().item<double>();
    kl += (p.exp() * (p - q)).sum().item<double>();
    same += dense_NV.argmax(1).eq(packed_NV.argmax(1)).sum().item<double>();
  }
};

}  // namespace

Agreement agreement(Net& dense, Net& packed, const TokenFile& tokens, const EvaluationOptions& options) {
  const EvaluationMode dense_mode(dense), packed_mode(packed);
  int64_t offsets = tokens.window_starts(options.length);
  if (options.most_tokens)
    offsets = std::min(offsets, std::max<int64_t>(1, *options.most_tokens - options.length + 1));
  const WindowPlan plan = plan_windows(offsets, options.length, "blocks");
  AgreementSums sums;
  for (int64_t first = 0; first < plan.windows; first += options.batch) {
    const int64_t rows = std::min(options.batch, plan.windows - first);
    std::vector<int64_t> starts;
    for (int64_t row = 0; row < rows; ++row) starts.push_back((first + row) * plan.stride);
    const at::Tensor ids = at::empty({rows, options.length + 1}, at::TensorOptions(at::kLong));
    tokens.gather(starts, options.length + 1,
                  {ids.mutable_data_ptr<int64_t>(), static_cast<size_t>(ids.numel())});
    const at::Tensor on_device = ids.to(options.device), inputs = on_device.narrow(1, 0, options.length).contiguous();
    const at::Tensor p = dense.forward(inputs), q = packed.forward(inputs);
    sums.add(p.flatten(0, 1), q.flatten(0, 1), on_device.narrow(1, 1, options.length).reshape({-1}));
  }
  const double count = static_cast<double>(plan.scored);
  return {
      .loss = sums.nats / count, .kl = sums.kl / count, .same_top = sums.same / count, .tokens = plan.scored};
}

}  // namespace subband
