#include "core/languages/latex.h"

#include <map>

#include "core/languages/letters.h"

namespace subband::latex {

namespace {

// Letters with a meaning, or that a font of LaTeX's first kind lacks, and how they are set.
const std::map<char32_t, std::string_view>& commands() {
  static const std::map<char32_t, std::string_view> kCommands = {{'\\', "\\textbackslash{}"},
                                                                 {'~', "\\textasciitilde{}"},
                                                                 {'^', "\\textasciicircum{}"},
                                                                 {'`', "\\textasciigrave{}"},
                                                                 {'"', "\\char34{}"},
                                                                 {'<', "\\textless{}"},
                                                                 {'>', "\\textgreater{}"},
                                                                 {'|', "\\textbar{}"},
                                                                 {'&', "\\&"},
                                                                 {'%', "\\%"},
                                                                 {'$', "\\$"},
                                                                 {'#', "\\#"},
                                                                 {'_', "\\_"},
                                                                 {'{', "\\{"},
                                                                 {'}', "\\}"},
                                                                 {'[', "{[}"},
                                                                 {']', "{]}"},
                                                                 {'*', "{*}"},
                                                                 {'\'', "{'}"},
                                                                 {0xB1, "$\\pm$"},
                                                                 {0x2212, "$-$"},
                                                                 {0x2713, "\\checkmark{}"},
                                                                 {0x2717, "$\\times$"},
                                                                 {0x2026, "\\ldots{}"},
                                                                 {0x2013, "--"}};
  return kCommands;
}

bool is_plain_in_latex(char32_t code) {
  constexpr std::string_view kPlain = " !()+,-./:;=?@";
  return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z') ||
         kPlain.find(static_cast<char>(code)) != std::string_view::npos;
}

}  // namespace

std::string text(std::string_view text) {
  std::string_view before;
  return rewritten(text, [&](std::string& out, const Letter& letter, std::string_view bytes) {
    const auto command = letter.is_valid ? commands().find(letter.code) : commands().end();
    const bool is_ligature = bytes == "-" && before == "-";
    before = bytes;
    if (command != commands().end()) {
      out += command->second;
    } else if (!letter.is_printed) {
      out += "\\textbackslash{}" + escape_of(letter).substr(1);
    } else if (letter.code >= 0x80 || is_plain_in_latex(letter.code)) {
      if (is_ligature) out += "{}";
      out += bytes;
    }
  });
}

std::string comment(std::string_view text) {
  return "% " + rewritten(text, [](std::string& out, const Letter& letter, std::string_view bytes) {
           out += letter.is_printed ? std::string(bytes) : escape_of(letter);
         });
}

}  // namespace subband::latex
