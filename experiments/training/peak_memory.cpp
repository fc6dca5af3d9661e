#include "experiments/training/peak_memory.h"

#include <sys/resource.h>
#include <torch/version.h>

#include <fstream>
#include <string>

#include "core/tensors/kept_memory.h"
#include "core/text.h"

#define SUBBAND_DEVICE_STATISTICS (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9)
#if SUBBAND_DEVICE_STATISTICS
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace subband {

static double peak_resident_mib() {
  // A forked process inherits its parent's figure in getrusage, but not this one.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmHWM:") || !line.ends_with(" kB")) continue;
    const std::string_view number = trim(std::string_view(line).substr(6, line.size() - 9));
    if (const auto kib = parse_integer(number)) return static_cast<double>(*kib) / 1024;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::optional<double> peak_mib(at::Device device) {
  if (device.is_cpu()) return peak_resident_mib();
#if SUBBAND_DEVICE_STATISTICS
  const auto statistics = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return static_cast<double>(statistics.allocated_bytes[0].peak) / (1024.0 * 1024.0);
#else
  return {};
#endif
}

double peak_tensors_mib() { return static_cast<double>(tensor_memory().peak_bytes) / (1024.0 * 1024.0); }

}  // namespace subband
