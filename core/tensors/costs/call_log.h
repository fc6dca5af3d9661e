// What ran between two instants, call by call. No LibTorch header here.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace subband {

/// A part of a net (RecordedPart), an operator of LibTorch, an operation of core/ops, or a node of a backward pass.
struct LoggedCall {
  enum class Kind { part, operation, backward };
  std::string name;  ///< `lifting`, `aten::mm`, `subband::fwht`
  Kind kind = Kind::operation;
  int64_t parent = -1;    ///< the call that it stands in, by its place in the list; -1: none
  uint64_t thread = 0;    ///< of this process, from 1
  int64_t sequence = -1;  ///< of the autograd node that it made, or is; -1: none
  double start_us = 0;    ///< since the log was begun
  double duration_us = 0;
  double flops = 0;  ///< of products and transforms, its own
  /// Of tensors that it was given and gave; 0 where it only looks at memory in another way. Of a node of a backward
  /// pass: of the gradients that it was given.
  double bytes = 0;
};

/// Keeps every call of every thread from its making until `end`. One at a time; counters of one thread may run beside it.
class CallLog {
 public:
  CallLog();
  ~CallLog();
  CallLog(const CallLog&) = delete;
  CallLog& operator=(const CallLog&) = delete;

  /// The calls in the order in which they began, all of them over. Nothing is logged after it.
  std::vector<LoggedCall> end();

 private:
  struct Listener;
  std::unique_ptr<Listener> listener_;
};

}  // namespace subband
