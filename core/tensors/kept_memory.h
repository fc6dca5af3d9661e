// The CPU memory of tensors, kept from one operation to the next. malloc maps and unmaps every block of more than some
// MiB, and the system hands each page over anew: writing to fresh memory takes several times as long.
#pragma once
#include <cstdint>

namespace subband {

/// From now on LibTorch's CPU tensors of this process take blocks that earlier ones gave back. What is held stays
/// below 5/4 of the most that tensors have used at once, and 64 MiB; where less than an eighth of the machine's memory
/// is available, what is not in use goes back at once. A second call changes nothing.
void keep_tensor_memory();

/// Bytes since keep_tensor_memory, 0 before; as asked for, without what rounding adds.
struct TensorMemory {
  int64_t used_bytes = 0;  ///< by tensors, now
  int64_t peak_bytes = 0;  ///< by tensors at once, since reset_tensor_peak
  int64_t held_bytes = 0;  ///< used or kept for later, with rounding
};
TensorMemory tensor_memory();
void reset_tensor_peak();

/// Gives back what no tensor uses.
void release_tensor_memory();

/// For tests: while it lives, memory of new tensors is filled with NaN, so that a value that nobody wrote shows.
class PoisonedMemory {
 public:
  PoisonedMemory();
  ~PoisonedMemory();
  PoisonedMemory(const PoisonedMemory&) = delete;
  PoisonedMemory& operator=(const PoisonedMemory&) = delete;
};

}  // namespace subband
