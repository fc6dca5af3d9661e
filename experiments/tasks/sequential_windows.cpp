#include "experiments/tasks/sequential_windows.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "core/error.h"

namespace subband {

SequentialWindows::SequentialWindows(const TokenFile& tokens, const RandomWindows::Options& options)
    : tokens_(tokens),
      length_(options.length),
      pass_((tokens.tokens() - 1) / (options.batch * options.length)),
      first_(static_cast<size_t>(options.batch)) {
  if (pass_ < 1) {
    throw ConfigError("",
                      fmt::format("task.windows = sequential: {} streams of one window need {} tokens, the "
                                  "text has {}; lower trainer.batch or trainer.length",
                                  options.batch, options.batch * options.length + 1, tokens.tokens()),
                      "bad_value");
  }
  const auto ids = at::TensorOptions(at::kLong);
  rows_ = at::empty({options.batch, length_ + 1}, ids);
  batch_.inputs_BL = at::empty({options.batch, length_}, ids.device(options.device));
  batch_.targets_BL = at::empty_like(batch_.inputs_BL);
}

const Batch& SequentialWindows::draw(uint64_t index) {
  const int64_t place = static_cast<int64_t>(index % static_cast<uint64_t>(pass_));
  for (size_t row = 0; row < first_.size(); ++row)
    first_[row] = (static_cast<int64_t>(row) * pass_ + place) * length_;
  tokens_.gather(first_, length_ + 1,
                 {rows_.mutable_data_ptr<int64_t>(), static_cast<size_t>(rows_.numel())});
  batch_.inputs_BL.copy_(rows_.narrow(1, 0, length_));
  batch_.targets_BL.copy_(rows_.narrow(1, 1, length_));
  batch_.restarts = place == 0;
  return batch_;
}

}  // namespace subband
