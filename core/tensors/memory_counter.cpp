#include "core/tensors/memory_counter.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <mutex>

namespace subband {

// LibTorch's allocators report to whatever stands in the profiler's place.
class AllocationReports final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    const std::lock_guard lock(mutex_);
    held_ += bytes;
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t held() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }
  int64_t peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  mutable std::mutex mutex_;
  int64_t held_ = 0, peak_ = 0;
};

struct MemoryCounter::Hook {
  std::shared_ptr<AllocationReports> reports = std::make_shared<AllocationReports>();
  c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, reports};
};

MemoryCounter::MemoryCounter() : hook_(std::make_unique<Hook>()) {}
MemoryCounter::~MemoryCounter() = default;

int64_t MemoryCounter::peak_bytes() const { return hook_->reports->peak(); }
int64_t MemoryCounter::held_bytes() const { return hook_->reports->held(); }

}  // namespace subband
