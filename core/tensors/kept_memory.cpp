#include "core/tensors/kept_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace subband {

namespace {

constexpr size_t kAlignment = 64;  // also of the header in front of a block
constexpr size_t kLooked =
    size_t{1} << 20;  // from this size on the machine is asked before a block is mapped
constexpr size_t kSlack = size_t{64} << 20;       // may be held beyond 5/4 of the peak
constexpr size_t kSmallest = 64, kClasses = 480;  // eight sizes between a power of two and the next
constexpr int kPoison = 0xFF;                     // four such bytes are a NaN

struct Header {
  size_t asked;  // bytes
  size_t size_class;
};
static_assert(sizeof(Header) <= kAlignment);

size_t class_of(size_t bytes) {
  if (bytes <= kSmallest) return 0;
  const auto octave = static_cast<size_t>(std::bit_width(bytes - 1));  // 2^(octave-1) < bytes <= 2^octave
  const size_t step = size_t{1} << (octave - 4);
  return (octave - 7) * 8 + (bytes - 1 - (size_t{1} << (octave - 1))) / step + 1;
}

size_t bytes_of(size_t size_class) {
  if (size_class == 0) return kSmallest;
  const size_t octave = (size_class - 1) / 8 + 7;
  return (size_t{1} << (octave - 1)) + ((size_class - 1) % 8 + 1) * (size_t{1} << (octave - 4));
}

// Whether the system could hardly give more; reads a file of a page, which is little beside mapping a large block.
bool machine_is_short() {
  std::ifstream file("/proc/meminfo");
  double total = 0, available = -1;
  for (std::string word; file >> word && available < 0;) {
    if (word == "MemTotal:") file >> total;
    if (word == "MemAvailable:") file >> available;
  }
  return available >= 0 && available < total / 8;
}

class KeptMemory final : public c10::Allocator {
 public:
  // Never destroyed: tensors of static objects may outlive every other order of ends.
  static KeptMemory& instance() {
    static auto* const kept = new KeptMemory;
    return *kept;
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* const data = bytes == 0 ? nullptr : take(bytes);
    return {data, data, &give_back, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  TensorMemory memory() {
    const std::lock_guard lock(mutex_);
    return {static_cast<int64_t>(used_), static_cast<int64_t>(peak_), static_cast<int64_t>(held_)};
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    peak_ = used_;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    release_until(0);
  }
  void poison(bool on) { poisons_ = on; }

 private:
  void* take(size_t bytes) {
    const size_t size_class = class_of(bytes), size = bytes_of(size_class) + kAlignment;
    char* block = nullptr;
    {
      const std::lock_guard lock(mutex_);
      std::vector<char*>& free = free_.at(size_class);
      if (!free.empty()) {
        block = free.back();
        free.pop_back();
        kept_ -= size;
      } else {
        block = fresh(size, bytes);
      }
      used_ += bytes;
      peak_ = std::max(peak_, used_), highest_ = std::max(highest_, used_);
      c10::reportMemoryUsageToProfiler(block, static_cast<int64_t>(bytes), used_, held_, c10::kCPU);
    }
    const Header header{bytes, size_class};
    std::memcpy(block, &header, sizeof header);
    if (poisons_) std::memset(block + kAlignment, kPoison, bytes);
    return block + kAlignment;
  }

  char* fresh(size_t size, size_t asked) {
    const size_t most = std::max(highest_, used_ + asked) / 4 * 5 + kSlack;
    if (kept_ > 0 && held_ + size > most) release_until(most > size ? most - size : 0);
    if (kept_ > 0 && size >= kLooked && machine_is_short()) release_until(0);
    void* block = nullptr;
    if (::posix_memalign(&block, kAlignment, size) != 0) {
      release_until(0);
      const bool refused = ::posix_memalign(&block, kAlignment, size) != 0;
      TORCH_CHECK_WITH(OutOfMemoryError, !refused, "the system has no memory left for a tensor of ", asked,
                       " bytes");
    }
    held_ += size;
    return static_cast<char*>(block);
  }

  // The largest blocks first: they were the rarest.
  void release_until(size_t most) {
    for (size_t size_class = kClasses; size_class-- > 0 && held_ > most && kept_ > 0;) {
      const size_t size = bytes_of(size_class) + kAlignment;
      for (std::vector<char*>& free = free_[size_class]; !free.empty() && held_ > most; free.pop_back()) {
        std::free(free.back());
        held_ -= size, kept_ -= size;
      }
    }
  }

  static void give_back(void* data) {
    if (data == nullptr) return;
    char* const block = static_cast<char*>(data) - kAlignment;
    Header header{};
    std::memcpy(&header, block, sizeof header);
    KeptMemory& own = instance();
    const std::lock_guard lock(own.mutex_);
    own.used_ -= header.asked;
#if defined(__SANITIZE_ADDRESS__)
    std::free(block);  // so that the sanitizer sees who reads it afterwards
    own.held_ -= bytes_of(header.size_class) + kAlignment;
#else
    own.free_[header.size_class].push_back(block);
    own.kept_ += bytes_of(header.size_class) + kAlignment;
#endif
    c10::reportMemoryUsageToProfiler(block, -static_cast<int64_t>(header.asked), own.used_, own.held_,
                                     c10::kCPU);
  }

  std::mutex mutex_;
  std::array<std::vector<char*>, kClasses> free_;  // blocks that no tensor uses, by class
  size_t used_ = 0, peak_ = 0, held_ = 0, kept_ = 0;
  size_t highest_ = 0;  // of `used_`, ever
  std::atomic<bool> poisons_ = false;
};

}  // namespace

void keep_tensor_memory() {
  if (c10::GetCPUAllocator() != &KeptMemory::instance()) c10::SetCPUAllocator(&KeptMemory::instance());
}

TensorMemory tensor_memory() { return KeptMemory::instance().memory(); }
void reset_tensor_peak() { KeptMemory::instance().reset_peak(); }
void release_tensor_memory() { KeptMemory::instance().release(); }

PoisonedMemory::PoisonedMemory() {
  keep_tensor_memory();
  KeptMemory::instance().poison(true);
}
PoisonedMemory::~PoisonedMemory() { KeptMemory::instance().poison(false); }

}  // namespace subband
