// What a row changes in its base besides what it asks for: an ablation that swaps a part keeps the frame, or says what
// it lost.
#pragma once
#include <string>
#include <vector>

#include "core/config/node.h"

namespace subband {

/// Fields of the base's resolved config that the row has lost, where somebody had set them, or has with another value
/// that none of its overrides asked for: `drops rope=half`, `heads 6→4`. Below a part that was swapped they are named
/// from that part on; the last says how the part is swapped without that loss.
std::vector<std::string> side_changes(const config::Node& base, const config::Node& row);

/// `parameters +12.0 %`, where they are more than 5 % away from the base's; else empty.
std::string parameter_change(int64_t base, int64_t row);

/// The remarks above in one line; empty where there are none.
std::string row_remark(const std::vector<std::string>& changes, const std::string& parameters);

}  // namespace subband
