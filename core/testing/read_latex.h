// What LaTeX sets of what its writer wrote.
#pragma once
#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "core/languages/letters.h"

namespace subband::testing {

/// A reader of what LaTeX's writer may write, and of nothing else: the text, or `special letter` and what begins with one.
inline std::string read_latex(std::string_view text) {
  static const std::pair<std::string_view, std::string_view> kCommands[] = {{"\\textbackslash{}", "\\"},
                                                                            {"\\textasciitilde{}", "~"},
                                                                            {"\\textasciicircum{}", "^"},
                                                                            {"\\textasciigrave{}", "`"},
                                                                            {"\\char34{}", "\""},
                                                                            {"\\textless{}", "<"},
                                                                            {"\\textgreater{}", ">"},
                                                                            {"\\textbar{}", "|"},
                                                                            {"\\&", "&"},
                                                                            {"\\%", "%"},
                                                                            {"\\$", "$"},
                                                                            {"\\#", "#"},
                                                                            {"\\_", "_"},
                                                                            {"\\{", "{"},
                                                                            {"\\}", "}"},
                                                                            {"{[}", "["},
                                                                            {"{]}", "]"},
                                                                            {"{*}", "*"},
                                                                            {"{'}", "'"},
                                                                            {"$\\pm$", "±"},
                                                                            {"$-$", "−"},
                                                                            {"\\checkmark{}", "✓"},
                                                                            {"$\\times$", "✗"},
                                                                            {"\\ldots{}", "…"},
                                                                            {"--", "–"},
                                                                            {"{}", ""}};
  std::string out;
  while (!text.empty()) {
    const auto* command =
        std::ranges::find_if(kCommands, [&](const auto& each) { return text.starts_with(each.first); });
    if (command != std::end(kCommands)) {
      out += command->second;
      text.remove_prefix(command->first.size());
      continue;
    }
    const Letter letter = first_letter(text);
    const bool is_special =
        letter.code < 0x80 &&
        std::string_view("\\{}$&#^_%~\"'`<>|[]*\r\n\t").find(text[0]) != std::string_view::npos;
    if (is_special || !letter.is_printed) return "special letter " + std::string(text);
    out += text.substr(0, letter.bytes);
    text.remove_prefix(letter.bytes);
  }
  return out;
}

}  // namespace subband::testing
