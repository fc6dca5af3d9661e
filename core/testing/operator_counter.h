// Counts the arithmetic of the operators that LibTorch really runs: the measure of every formula for flops.
#pragma once
#include <cstdint>
#include <memory>

namespace at {
class RecordFunction;
}

namespace subband {

/// Counts from its making to its end what this thread asks of LibTorch, in the forward direction: backward passes run on
/// other threads. A multiplication and an addition are two operations. Counters may be nested; each counts for itself.
class OperatorCounter {
 public:
  OperatorCounter();
  ~OperatorCounter();
  OperatorCounter(const OperatorCounter&) = delete;
  OperatorCounter& operator=(const OperatorCounter&) = delete;

  /// Matrix products, convolutions, fused attention (its two products, masked or not).
  double products() const { return products_; }
  /// Fourier transforms at 5 n log2 n, half of it for real input; Walsh-Hadamard transforms at n log2 n.
  double transforms() const { return transforms_; }
  /// One for every value that an addition, subtraction, multiplication, division, sum or running sum reads or writes,
  /// whichever are more.
  double pointwise() const { return pointwise_; }

  void add(const at::RecordFunction& call);  ///< called back by LibTorch

 private:
  double products_ = 0, transforms_ = 0, pointwise_ = 0;
  uint64_t handle_ = 0;
  OperatorCounter* outer_ = nullptr;
};

}  // namespace subband
