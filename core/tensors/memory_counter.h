// Counts the bytes that LibTorch's tensors hold, on any device.
#pragma once
#include <cstdint>
#include <memory>

namespace subband {

/// From its making to its end, on this thread and those that work for it. What was held before is not counted. Counters
/// are not nested.
class MemoryCounter {
 public:
  MemoryCounter();
  ~MemoryCounter();
  MemoryCounter(const MemoryCounter&) = delete;
  MemoryCounter& operator=(const MemoryCounter&) = delete;

  int64_t peak_bytes() const;  ///< the most at once
  int64_t held_bytes() const;  ///< now

 private:
  struct Hook;
  std::unique_ptr<Hook> hook_;
};

}  // namespace subband
