// What surrounds this process: its standard files, and the processors that it may use.
#pragma once
#include <cstdint>
#include <filesystem>

namespace subband {

/// Opens `/dev/null` in place of standard files that are closed, as under cron: a file opened later would take their
/// number, and what is meant for a terminal would land in it.
void open_standard_files();

/// `code`, once standard output is written out; 1 with a line on stderr where it cannot be.
int finished(int code);

/// Processors that this process may use, at least 1: those of the machine that its affinity allows, and no more than the
/// quotas of its control groups (version 1 or 2), rounded down, pay for. `root`: where `proc` and `sys` are.
int64_t usable_cores(const std::filesystem::path& root = "/");

}  // namespace subband
