// Whether a worker has its threads, and which devices it gets. A device is shared by as many workers as fit into its memory,
// as far as is known.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/program/surroundings.h"

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
  int64_t threads = 1;
  std::vector<size_t> devices;  ///< indices into the table
  double device_mib = 0;        ///< taken on each
  std::string visible;          ///< for CUDA_VISIBLE_DEVICES; empty: none
};

class SlotTable {
 public:
  /// `threads`: of all workers together, as far as one of them takes several.
  explicit SlotTable(std::vector<SlotDevice> devices, int64_t threads = usable_cores());
  /// The devices with the most free memory; nothing while too few have room, or the threads do not suffice. Workers of one
  /// thread each are as many as the caller wants, and one that wants more threads than there are gets a place alone.
  std::optional<SlotPlace> take(const SlotNeeds& needs);
  void give_back(const SlotPlace& place);
  /// Whether the needs could be met if nothing else ran.
  bool can_ever(const SlotNeeds& needs) const;

 private:
  double wanted_mib(const SlotNeeds& needs, size_t device) const;
  bool has_threads(int64_t wanted) const;

  int64_t threads_;
  int64_t taken_ = 0, workers_ = 0;  // threads, and places that have them
  std::vector<SlotDevice> devices_;
  std::vector<double> free_mib_;
};

/// GPUs of this machine, as `nvidia-smi` lists them; none where there is no such program. Touches no device itself.
std::vector<SlotDevice> devices_of_this_machine();

}  // namespace subband
