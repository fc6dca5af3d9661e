#include "core/tensors/costs/recorded.h"

#include <ATen/SequenceNumber.h>
#include <ATen/core/ivalue.h>

#include <vector>

namespace subband {

// The number of the next autograd node, so that the way back is known to belong to what was recorded here.
static int64_t next_node() { return static_cast<int64_t>(at::sequence_number::peek()); }

RecordedPart::RecordedPart(const char* name) : call_(at::RecordScope::USER_SCOPE) {
  if (call_.isActive()) call_.before(std::string_view(name), next_node());
}

RecordedPart::RecordedPart(const char* name, int64_t number) : call_(at::RecordScope::USER_SCOPE) {
  if (call_.isActive()) call_.before(std::string_view(name + ("." + std::to_string(number))), next_node());
}

RecordedOp::RecordedOp(const char* name, at::TensorList inputs) {
  if (!call_.isActive()) return;
  std::vector<c10::IValue> values;
  if (call_.needsInputs())
    for (const at::Tensor& input : inputs)
      if (input.defined()) values.emplace_back(input);
  call_.before(std::string_view(name), c10::ArrayRef<const c10::IValue>(values.data(), values.size()), next_node());
}

at::Tensor RecordedOp::gives(at::Tensor y) {
  if (call_.isActive() && call_.needsOutputs()) call_.setOutputs(std::vector<c10::IValue>{y});
  return y;
}

}  // namespace subband
