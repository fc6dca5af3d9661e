#include "experiments/tasks/random_windows.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/tensors/random.h"

namespace subband {

RandomWindows::RandomWindows(const TokenFile& tokens, Options options)
    : tokens_(tokens),
      options_(std::move(options)),
      starts_(std::max<int64_t>(1, tokens.window_starts(options_.length) - 1)),
      first_(static_cast<size_t>(options_.batch)) {
  const auto ids = at::TensorOptions(at::kLong);
  rows_ = at::empty({options_.batch, options_.length + 1}, ids);
  batch_.inputs_BL = at::empty({options_.batch, options_.length}, ids.device(options_.device));
  batch_.targets_BL = at::empty_like(batch_.inputs_BL);
}

const Batch& RandomWindows::draw(uint64_t index) {
  const at::Tensor drawn = at::randint(
      starts_, {options_.batch}, stream(options_.seed, options_.stream, index), at::TensorOptions(at::kLong));
  std::copy_n(drawn.const_data_ptr<int64_t>(), options_.batch, first_.begin());
  const std::span<int64_t> out(rows_.mutable_data_ptr<int64_t>(), static_cast<size_t>(rows_.numel()));
  tokens_.gather(first_, options_.length + 1, out);
  batch_.inputs_BL.copy_(rows_.narrow(1, 0, options_.length));
  batch_.targets_BL.copy_(rows_.narrow(1, 1, options_.length));
  return batch_;
}

}  // namespace subband
