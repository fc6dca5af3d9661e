// Which runs are the same run.
#pragma once
#include <map>
#include <string>

#include "core/config/node.h"
#include "experiments/data.h"

namespace subband {

/// SHA-256, 64 hex digits, of everything that decides what a run computes, but its seed. Neither the order of keys
/// nor places count; the order of parts that work side by side does.
/// `identity`: the resolved config without cosmetic keys and seed; `parts`: `mixer:wersa` -> version.
std::string run_identity(const config::Node& identity, const std::map<std::string, int>& parts,
                         const DataManifest& data);

}  // namespace subband
