#include "core/testing/operator_counter.h"

#include <ATen/record_function.h>

#include "core/tensors/costs/operator_flops.h"

namespace subband {

namespace {

// LibTorch's callbacks are plain functions, so the counter at work is known to its thread.
OperatorCounter*& innermost() {
  thread_local OperatorCounter* counter = nullptr;
  return counter;
}

std::unique_ptr<at::ObserverContext> on_call(const at::RecordFunction& call) {
  if (innermost()) innermost()->add(call);
  return nullptr;
}

}  // namespace

OperatorCounter::OperatorCounter() : outer_(innermost()) {
  innermost() = this;
  at::RecordFunctionCallback callback(on_call);
  callback.needsInputs(true).scopes({at::RecordScope::FUNCTION});
  // One callback serves all counters of the thread.
  if (outer_ == nullptr) handle_ = at::addThreadLocalCallback(std::move(callback));
}

OperatorCounter::~OperatorCounter() {
  innermost() = outer_;
  if (outer_ == nullptr) at::removeCallback(handle_);
}

void OperatorCounter::add(const at::RecordFunction& call) {
  if (outer_) outer_->add(call);
  const OperatorFlops flops = operator_flops(call.name(), call.inputs());
  products_ += flops.products;
  transforms_ += flops.transforms;
  pointwise_ += flops.pointwise;
}

}  // namespace subband
