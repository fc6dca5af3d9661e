#include "models/layers/attention/kernel_sums.h"

#include <ATen/ATen.h>

#include "core/ops/recurrence/chunk_state.h"
#include "models/layers/attention/linear_recurrence.h"

namespace subband {

static at::Tensor with_ones(const at::Tensor& values_BLGV, const at::Tensor& like) {
  const at::Tensor values = values_BLGV.to(like.scalar_type());
  return at::cat({values, at::ones_like(values.narrow(-1, 0, 1))}, -1);
}

static at::Tensor repeated(const at::Tensor& x, int64_t times, int64_t axis) {
  return times == 1 || !x.defined() ? x : x.repeat_interleave(times, axis);
}

at::Tensor kernel_sums(const KernelFeatures& features) {
  const int64_t R = features.queries_BLHM.size(2) / features.keys_BLGM.size(2);
  const at::Tensor keys = features.keys_BLGM.permute({0, 2, 3, 1});
  const at::Tensor values = with_ones(features.values_BLGV, keys).transpose(1, 2);
  const at::Tensor state_BHMV = repeated(at::matmul(keys, values), R, 1);
  return at::matmul(features.queries_BLHM.transpose(1, 2), state_BHMV).transpose(1, 2);
}

at::Tensor causal_kernel_sums(const KernelFeatures& features, int64_t chunk, at::Tensor& state) {
  const at::Tensor &queries = features.queries_BLHM, &keys = features.keys_BLGM, &decay = features.log_decay_BLG;
  if (queries.size(1) == 1) {
    const int64_t G = keys.size(2), R = queries.size(2) / G;
    const at::Tensor values = with_ones(features.values_BLGV, keys).select(1, 0);
    const at::Tensor fades = decay.defined() ? decay.select(1, 0) : decay;
    return linear_recurrence::step(queries.select(1, 0).unflatten(1, {G, R}), keys.select(1, 0), values, fades, state)
        .flatten(1, 2)
        .unsqueeze(1);
  }
  ChunkStateInputs engine{.q_BLHK = queries, .k_BLGK = keys, .v_BLGV = features.values_BLGV.to(keys.scalar_type())};
  engine.log_decay = decay, engine.state_BGKV = state, engine.chunk = chunk, engine.with_weights = true;
  const ChunkStateOutputs out = chunk_state(engine);
  state = out.state_BGKV;
  return out.y_BLHV;
}

double kernel_sums_flops(const KernelSizes& sizes, int64_t length) {
  const int64_t rows = sizes.heads + sizes.groups;
  return 2 * static_cast<double>(length) *
         static_cast<double>(rows * sizes.features * (sizes.value_width + 1));
}

double causal_kernel_sums_flops(const KernelSizes& sizes, int64_t length, int64_t chunk) {
  if (length == 1) return 2 * static_cast<double>(sizes.heads * sizes.features * (sizes.value_width + 1));
  return linear_recurrence::chunked_flops(length, chunk, sizes.heads, sizes.features, sizes.value_width + 1);
}

}  // namespace subband
