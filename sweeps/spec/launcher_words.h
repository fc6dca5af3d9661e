// The launcher of a sweep, from its spec and the command line.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/config/node.h"

namespace subband {

/// What the command line says of it.
struct LauncherWords {
  std::optional<std::string> type;         ///< --launcher
  std::optional<int64_t> jobs;             ///< --jobs
  std::span<const std::string> overrides;  ///< `launcher=slurm`, `launcher.account=lab`
};

/// The map to bind, with its `type`. Another type than the spec's begins with that type's defaults. ConfigError for an
/// override that is no plain value.
config::Node launcher_node(const config::Node& spec, const LauncherWords& words);

}  // namespace subband
