// Which devices a worker gets. A device is shared by as many workers as fit into its memory, as far as is known.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace subband {

/// What a cell needs while it runs.
struct SlotNeeds {
  int64_t threads = 1;
  int64_t devices = 0;                    ///< GPUs
  std::optional<double> device_mib = {};  ///< predicted, on each; nothing: the whole device
};

/// A GPU.
struct SlotDevice {
  std::string id;  ///< as CUDA_VISIBLE_DEVICES takes it
  double memory_mib = 0;
};

/// A worker's place.
struct SlotPlace {
  std::vector<size_t> devices;  ///< indices into the table
  double device_mib = 0;        ///< taken on each
  std::string visible;          ///< for CUDA_VISIBLE_DEVICES; empty: none
};

class SlotTable {
 public:
  explicit SlotTable(std::vector<SlotDevice> devices);
  /// The devices with the most free memory; nothing while too few have room. Whoever needs none always gets a place.
  std::optional<SlotPlace> take(const SlotNeeds& needs);
  void give_back(const SlotPlace& place);
  /// Whether the needs could be met if nothing else ran.
  bool can_ever(const SlotNeeds& needs) const;

 private:
  double wanted_mib(const SlotNeeds& needs, size_t device) const;

  std::vector<SlotDevice> devices_;
  std::vector<double> free_mib_;
};

/// GPUs of this machine, as `nvidia-smi` lists them; none where there is no such program. Touches no device itself.
std::vector<SlotDevice> devices_of_this_machine();

}  // namespace subband
