// Corpora and tokenisers by the words of a command line, without a recipe around them.
#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "experiments/data.h"
#include "experiments/tokenizer.h"

namespace subband {

/// Registers the tokenisers and kinds of data.
void register_corpora_parts(Registry& registry);

using Folders = std::vector<std::filesystem::path>;  ///< of `--config-dir`, searched after the program's own

/// The corpora that have a name: the files of group `data`, sorted.
std::vector<std::string> corpus_names(const Registry& registry, const Folders& folders = {});

/// The corpus `name`, an option of group `data` or a path of the user's own text, with overrides of its own fields (`join=rows`).
/// ConfigError with every mistake.
std::shared_ptr<Data> open_corpus(const Registry& registry, const std::string& name,
                                  const std::vector<std::string>& overrides = {}, const Folders& folders = {});

/// Data of the part that `spec` names with its fields, without a `.yaml`. ConfigError with every mistake.
std::shared_ptr<Data> open_part_as_corpus(const Registry& registry, config::Node spec);

/// A file of the user's as a corpus with the one split `all`; packed files as in read_unpacked.
std::shared_ptr<Data> open_file_as_corpus(const Registry& registry, const std::string& file);

/// The tokeniser `type` with its defaults. ConfigError when there is none of that name.
std::shared_ptr<Tokenizer> open_tokenizer(const Registry& registry, const std::string& type);

}  // namespace subband
