#include "core/languages/markdown.h"

#include <fmt/format.h>

#include "core/languages/html.h"
#include "core/languages/letters.h"

namespace subband::markdown {

namespace {

bool is_word_letter(std::string_view text, size_t at) {
  const auto letter = static_cast<unsigned char>(at < text.size() ? text[at] : ' ');
  return (letter >= '0' && letter <= '9') || ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z');
}

// Letters of ASCII that mean nothing inside a line, wherever they stand.
bool is_plain(char32_t code) {
  constexpr std::string_view kPlain = " \"%'()+,-./:;=?@!";
  return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z') ||
         kPlain.find(static_cast<char>(code)) != std::string_view::npos;
}

std::string by_number(char32_t code) { return fmt::format("&#{};", static_cast<uint32_t>(code)); }

}  // namespace

std::string text(std::string_view text, bool has_edges) {
  size_t at = 0;
  std::string written = rewritten(text, [&](std::string& out, const Letter& letter, std::string_view bytes) {
    const bool is_edge = has_edges && (at == 0 || at + letter.bytes == text.size());
    const bool is_inside_word =
        letter.code == '_' && at > 0 && is_word_letter(text, at - 1) && is_word_letter(text, at + 1);
    at += letter.bytes;
    if (letter.code == '\n' || letter.code == '\r' || letter.code == '\t' || (letter.code == ' ' && is_edge))
      out += by_number(letter.code);
    else if (!letter.is_printed)
      out += "\\" + escape_of(letter);
    else if (letter.code >= 0x80 || is_plain(letter.code) || is_inside_word)
      out += bytes;
    else
      out += "\\" + std::string(bytes);
  });
  return written;
}

std::string line(std::string_view content) {
  std::string written = text(content);
  const size_t digits = written.find_first_not_of("0123456789");
  if (digits == std::string::npos) return written;
  const bool is_mark = digits == 0 && std::string_view("-+=").find(written[0]) != std::string_view::npos;
  const bool is_numbered = digits > 0 && (written[digits] == '.' || written[digits] == ')');
  if (is_mark || is_numbered) written.insert(digits, "\\");
  return written;
}

std::string code(std::string_view content) {
  bool is_simple = !content.empty() && content.front() != ' ' && content.back() != ' ' &&
                   content.find('`') == std::string_view::npos;
  const bool has_bar = content.find('|') != std::string_view::npos;
  if (has_bar && content.find('\\') != std::string_view::npos) is_simple = false;
  const std::string inside =
      rewritten(content, [&](std::string& out, const Letter& letter, std::string_view bytes) {
        if (!letter.is_printed) is_simple = false;
        out += letter.code == '|' ? "\\|" : bytes;
      });
  return is_simple ? "`" + inside + "`" : "<code>" + text(content) + "</code>";
}

std::string strong(std::string_view content) { return "**" + text(content) + "**"; }

std::string link(std::string_view written, std::string_view path) {
  return "[" + std::string(written) + "](" + html::path(path) + ")";
}

std::string picture(std::string_view description, std::string_view path) {
  return "!" + link(text(description), path);
}

}  // namespace subband::markdown
