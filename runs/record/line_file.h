// Files beside the records that only grow: one sealed line (record_line.h) for each thing that was decided.
#pragma once
#include <filesystem>
#include <vector>

#include "runs/record/record_line.h"

namespace subband {

/// The whole lines of a file, in their order; lines that were cut off or damaged are left out. None where it is missing.
std::vector<RecordJson> read_line_file(const std::filesystem::path& file);

/// Appends a line, on the disk when this returns. Error where it cannot be written.
void append_line(const std::filesystem::path& file, const RecordJson& object);

}  // namespace subband
