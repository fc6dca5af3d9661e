// Shell completion for bash and zsh: commands, options, recipes, sweeps, groups, override keys and values, kinds and
// parts. The shells ask `subband complete`, which answers from the catalogue, one candidate a line.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/program/catalogue.h"

namespace subband {

/// The words that can stand where the last of `words` (perhaps empty, perhaps begun) stands; the program's own name
/// is not among them. A candidate that ends in `.`, `=` or `/` goes on.
std::vector<std::string> completions(const Catalogue& catalogue, const std::filesystem::path& root,
                                     const std::vector<std::string>& words);

/// `subband completion bash|zsh`: the script that the shell reads.
int command_completion(Arguments arguments);
std::string completion_script(const std::string& shell);

}  // namespace subband
