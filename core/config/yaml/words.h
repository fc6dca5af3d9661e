// The words of a YAML text, before a parser reads them. Internal to core/config.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace subband::config {

struct WrongWord {
  size_t offset = 0;
  const char* rule = "";
};

/// The first thing that YAML does not allow and yaml-cpp lets pass: a tab between words, a ':' that begins a word
/// inside brackets, a comment that touches the mark of a block scalar, a line break of Unicode's, an open quote. And
/// what yaml-cpp reads as another text: line breaks at the end of quotes and folds, the escapes \N and \_.
/// Lines end in line feeds alone. Rules: PyYAML, scanner.py.
std::optional<WrongWord> wrong_word(std::string_view text);

}  // namespace subband::config
