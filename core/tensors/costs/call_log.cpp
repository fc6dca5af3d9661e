#include "core/tensors/costs/call_log.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string_view>

#include "core/tensors/costs/operator_flops.h"

namespace subband {

namespace {

using Clock = std::chrono::steady_clock;

/// Memory that a tensor reaches.
struct Piece {
  const void* storage;
  double bytes;
};

void add_piece(std::vector<Piece>& pieces, const at::Tensor& x) {
  if (!x.defined() || !x.has_storage()) return;
  const auto bytes = std::min<size_t>(x.nbytes(), x.storage().nbytes());  // an expanded one has less than it shows
  pieces.push_back({x.storage().unsafeGetStorageImpl(), static_cast<double>(bytes)});
}

std::vector<Piece> pieces_of(c10::ArrayRef<const c10::IValue> values) {
  std::vector<Piece> pieces;
  for (const c10::IValue& value : values) {
    if (value.isTensor()) add_piece(pieces, value.toTensor());
    if (!value.isTensorList()) continue;
    for (const at::Tensor& x : value.toTensorVector()) add_piece(pieces, x);
  }
  return pieces;
}

/// What the end of a call needs of its beginning.
struct Begun final : at::ObserverContext {
  size_t place = 0;
  std::vector<Piece> inputs;
};

LoggedCall::Kind kind_of(at::RecordScope scope) {
  if (scope == at::RecordScope::USER_SCOPE) return LoggedCall::Kind::part;
  return scope == at::RecordScope::BACKWARD_FUNCTION ? LoggedCall::Kind::backward : LoggedCall::Kind::operation;
}

bool writes_in_place(const at::RecordFunction& call) { return std::string_view(call.name()).ends_with("_"); }
bool is_out_variant(const at::RecordFunction& call) {
  return std::string_view(call.overload_name()).find("out") != std::string_view::npos;
}

// Inputs are read once, outputs written once. What gives an input back only looks at it, unless it writes there.
double bytes_of(const at::RecordFunction& call, const std::vector<Piece>& inputs) {
  if (std::string_view(call.name()).starts_with("aten::empty")) return 0;
  const std::vector<c10::IValue>& values = call.outputs();
  const auto outputs = pieces_of(c10::ArrayRef<const c10::IValue>(values.data(), values.size()));
  const auto is_input = [&](const Piece& piece) {
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](const Piece& input) { return input.storage == piece.storage; });
  };
  const bool in_place = writes_in_place(call), is_out = is_out_variant(call);
  double written = 0;
  bool looks = !outputs.empty();
  for (const Piece& output : outputs) {
    const bool aliases = is_input(output);
    if (!aliases || in_place) written += output.bytes;
    if (!aliases || in_place || is_out) looks = false;
  }
  if (looks) return 0;
  for (const Piece& input : inputs) written += input.bytes;
  return written;
}

}  // namespace

struct CallLog::Listener {
  const Clock::time_point start = Clock::now();
  std::mutex mutex;
  std::vector<LoggedCall> calls;
  std::vector<bool> is_over;
  at::CallbackHandle handle = 0;

  double now_us() const { return std::chrono::duration<double, std::micro>(Clock::now() - start).count(); }
  std::unique_ptr<at::ObserverContext> began(const at::RecordFunction& call);
  void ended(const at::RecordFunction& call, const Begun& begun);

  // LibTorch's callbacks are plain functions, and may still run when a log has ended.
  static std::atomic<Listener*>& present() {
    static std::atomic<Listener*> listener = nullptr;
    return listener;
  }
  // The calls of this thread that are not over.
  static std::vector<size_t>& open_calls() {
    thread_local std::vector<size_t> places;
    return places;
  }
};

std::unique_ptr<at::ObserverContext> CallLog::Listener::began(const at::RecordFunction& call) {
  // Around every node of a backward pass, which is logged itself.
  if (std::string_view(call.name()).starts_with("autograd::engine::")) return nullptr;
  auto begun = std::make_unique<Begun>();
  begun->inputs = pieces_of(call.inputs());
  LoggedCall logged{.name = call.name(),
                    .kind = kind_of(call.scope()),
                    .thread = at::RecordFunction::currentThreadId(),
                    .sequence = call.seqNr()};
  if (logged.kind == LoggedCall::Kind::operation) {
    const OperatorFlops flops = operator_flops(call.name(), call.inputs());
    logged.flops = flops.products + flops.transforms;
  }
  std::vector<size_t>& open = open_calls();
  const std::lock_guard lock(mutex);
  begun->place = calls.size();
  if (!open.empty()) logged.parent = static_cast<int64_t>(open.back());
  open.push_back(begun->place);
  logged.start_us = now_us();
  calls.push_back(std::move(logged));
  is_over.push_back(false);
  return begun;
}

void CallLog::Listener::ended(const at::RecordFunction& call, const Begun& begun) {
  const double now = now_us();
  std::vector<size_t>& open = open_calls();
  if (!open.empty() && open.back() == begun.place) open.pop_back();
  const std::lock_guard lock(mutex);
  LoggedCall& logged = calls[begun.place];
  logged.duration_us = now - logged.start_us;
  if (logged.kind != LoggedCall::Kind::part) logged.bytes = bytes_of(call, begun.inputs);
  is_over[begun.place] = true;
}

CallLog::CallLog() : listener_(std::make_unique<Listener>()) {
  Listener::open_calls().clear();
  Listener::present() = listener_.get();
  at::RecordFunctionCallback callback(
      [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
        Listener* const listener = Listener::present();
        return listener ? listener->began(call) : nullptr;
      },
      [](const at::RecordFunction& call, at::ObserverContext* begun) {
        Listener* const listener = Listener::present();
        if (listener && begun) listener->ended(call, *static_cast<Begun*>(begun));
      });
  callback.needsInputs(true).needsOutputs(true).scopes(
      {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE});
  listener_->handle = at::addGlobalCallback(std::move(callback));
}

CallLog::~CallLog() { end(); }

std::vector<LoggedCall> CallLog::end() {
  if (Listener::present() == listener_.get()) {
    at::removeCallback(listener_->handle);
    Listener::present() = nullptr;
    Listener::open_calls().clear();
  }
  const std::lock_guard lock(listener_->mutex);
  // What began and is not over lasts until now.
  for (size_t i = 0; i < listener_->calls.size(); ++i)
    if (!listener_->is_over[i])
      listener_->calls[i].duration_us = listener_->now_us() - listener_->calls[i].start_us;
  return std::move(listener_->calls);
}

}  // namespace subband
