// What LibTorch's listeners are told of code that is no operator of its own: parts of a net, and operations with loops or
// kernels. Where nobody listens it costs a few nanoseconds.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <cstdint>
#include <string>

namespace subband {

/// While it lives, what this thread computes belongs to this part of the net or of the step.
class RecordedPart {
 public:
  explicit RecordedPart(const char* name);
  /// `blocks.3`
  RecordedPart(const char* name, int64_t number);

 private:
  at::RecordFunction call_;
};

/// While it lives, an operation of core/ops runs on this thread; `subband::NAME` to listeners.
class RecordedOp {
 public:
  RecordedOp(const char* name, at::TensorList inputs);
  /// `y`, for those who count what an operation writes.
  at::Tensor gives(at::Tensor y);

 private:
  at::RecordFunction call_;
};

/// The result of `work`, which is this part's.
template <class Work>
decltype(auto) in_part(const char* name, const Work& work) {
  const RecordedPart part(name);
  return work();
}

}  // namespace subband
