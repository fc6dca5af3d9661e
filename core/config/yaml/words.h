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

/// The first thing between two words that YAML does not allow and yaml-cpp lets pass: a tab, a ':' that begins a word
/// inside brackets, a comment that touches the mark of a block scalar, a line break of Unicode's.
/// Lines end in line feeds alone. Rules: PyYAML, scanner.py.
std::optional<WrongWord> wrong_word(std::string_view text);

}  // namespace subband::config
