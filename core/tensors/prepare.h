// What a process does before it computes with tensors.
#pragma once

namespace subband {

/// Sets the number of threads, lets every one of them flush denormal numbers to zero (they cost a hundred times as
/// much as others), and keeps the memory of tensors.
void prepare_tensors(int threads);

}  // namespace subband
