// The command line of `subband compose`: shared by its raw half, which needs neither parts nor tensors, and by the
// half that binds recipes.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/config/compose.h"
#include "core/program/command.h"

namespace subband {

/// `subband compose PRIMARY [overrides] [--config-dir DIR]… [--raw] [--unresolved] [--origins]`.
struct ComposeWords {
  std::string primary;
  std::vector<std::string> overrides;
  std::vector<std::filesystem::path> folders;  ///< `--config-dir`
  std::filesystem::path cases;                 ///< `--cases`, only with `--raw`
  bool raw = false, unresolved = false, origins = false;
};

/// Runs `body` with the parsed words. Overrides are taken as they stand, whatever characters they begin with.
int run_compose(Arguments arguments,
                const std::function<int(const ComposeWords&, const CommonOptions&)>& body);

/// Prints a tree on stdout: JSON, origins, or YAML; and the warnings on stderr.
void print_composed(const config::Node& tree, const config::Warnings& warnings, const ComposeWords& words,
                    const CommonOptions& options);

/// `subband compose --raw`: any tree of YAML files, exactly as Hydra composes it.
int command_compose_raw(Arguments arguments);

}  // namespace subband
