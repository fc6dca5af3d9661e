#include "sweeps/scheduling/slots.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>

#include "core/text.h"

namespace subband {

// What is left over for the driver's own context on a device that is shared.
static constexpr double kReserve = 0.06;

SlotTable::SlotTable(std::vector<SlotDevice> devices, int64_t threads)
    : threads_(threads), devices_(std::move(devices)) {
  for (const SlotDevice& device : devices_) free_mib_.push_back(device.memory_mib * (1 - kReserve));
}

double SlotTable::wanted_mib(const SlotNeeds& needs, size_t device) const {
  const double whole = devices_[device].memory_mib * (1 - kReserve);
  return needs.device_mib ? std::min(*needs.device_mib, whole) : whole;
}

bool SlotTable::has_threads(int64_t wanted) const {
  const bool is_one_each = wanted == 1 && taken_ == workers_;
  return is_one_each || workers_ == 0 || taken_ + wanted <= threads_;
}

std::optional<SlotPlace> SlotTable::take(const SlotNeeds& needs) {
  SlotPlace place{.threads = std::max<int64_t>(needs.threads, 1)};
  if (!has_threads(place.threads)) return std::nullopt;
  std::vector<size_t> order(devices_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t device) { return free_mib_[device]; });
  const auto wanted = static_cast<size_t>(std::max<int64_t>(needs.devices, 0));
  for (const size_t device : order) {
    if (place.devices.size() == wanted) break;
    if (free_mib_[device] >= wanted_mib(needs, device)) place.devices.push_back(device);
  }
  if (place.devices.size() < wanted) return std::nullopt;
  taken_ += place.threads;
  ++workers_;
  std::ranges::sort(place.devices);
  place.device_mib = needs.device_mib.value_or(1e18);
  std::vector<std::string> ids;
  for (const size_t device : place.devices) {
    free_mib_[device] -= wanted_mib(needs, device);
    ids.push_back(devices_[device].id);
  }
  place.visible = join(ids, ",");
  return place;
}

void SlotTable::give_back(const SlotPlace& place) {
  taken_ -= place.threads;
  --workers_;
  for (const size_t device : place.devices) {
    const double whole = devices_[device].memory_mib * (1 - kReserve);
    free_mib_[device] = std::min(whole, free_mib_[device] + std::min(place.device_mib, whole));
  }
}

bool SlotTable::can_ever(const SlotNeeds& needs) const {
  return needs.devices <= static_cast<int64_t>(devices_.size());
}

std::vector<SlotDevice> devices_of_this_machine() {
  constexpr const char* kAsk =
      "nvidia-smi --query-gpu=index,memory.total --format=csv,noheader,nounits 2>/dev/null";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(kAsk, "r"), ::pclose);
  std::vector<SlotDevice> devices;
  if (!pipe) return devices;
  int index = 0;
  double memory = 0;
  while (std::fscanf(pipe.get(), "%d, %lf", &index, &memory) == 2)
    devices.push_back({std::to_string(index), memory});
  return devices;
}

}  // namespace subband
