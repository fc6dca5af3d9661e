#include "core/languages/terminal.h"

#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/languages/letters.h"
#include "core/text.h"

namespace subband {

namespace {

// The system's table of widths. Where it has no such locale every letter takes one column.
class WidthTable {
 public:
  WidthTable() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
  WidthTable(const WidthTable&) = delete;
  WidthTable& operator=(const WidthTable&) = delete;
  ~WidthTable() {
    if (locale_ != nullptr) ::freelocale(locale_);
  }
  size_t of(char32_t code) const {
    if (locale_ == nullptr) return 1;
    const locale_t before = ::uselocale(locale_);
    const int width = ::wcwidth(static_cast<wchar_t>(code));
    ::uselocale(before);
    return width < 0 ? 1 : static_cast<size_t>(width);
  }

 private:
  locale_t locale_;
};

size_t letter_width(char32_t code) {
  static const WidthTable kTable;
  return kTable.of(code);
}

constexpr char32_t kAsPicture = 0xFE0F;  // the sign before it is drawn as an emoji, two columns wide

struct Grapheme {
  size_t bytes = 0;
  size_t width = 0;
};

Grapheme first_grapheme(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (is_ascii(text[0]) && (text.size() == 1 || is_ascii(text[1]))) return {1, 1};
  Grapheme grapheme{.bytes = grapheme_bytes(text)};
  for (size_t at = 0; at < grapheme.bytes;) {
    const Letter letter = first_letter(text.substr(at));
    grapheme.width += letter.code == kAsPicture ? 1 : letter.is_valid ? letter_width(letter.code) : 1;
    at += letter.bytes;
  }
  grapheme.width = std::min<size_t>(grapheme.width, 2);
  return grapheme;
}

// The longest beginning of whole graphemes that takes at most `width` columns.
size_t bytes_within(std::string_view text, size_t width) {
  size_t at = 0;
  for (size_t columns = 0; at < text.size();) {
    const Grapheme next = first_grapheme(text.substr(at));
    if (columns + next.width > width) break;
    columns += next.width;
    at += next.bytes;
  }
  return at;
}

// Where the longest ending begins that takes at most `width` columns.
size_t begin_of_end(std::string_view text, size_t width) {
  size_t left_out = display_width(text);
  size_t at = 0;
  while (at < text.size() && left_out > width) {
    const Grapheme next = first_grapheme(text.substr(at));
    left_out -= next.width;
    at += next.bytes;
  }
  return at;
}

// Bytes of the whole graphemes with which both begin.
size_t common_letters(std::string_view a, std::string_view b) {
  size_t at = 0;
  while (at < a.size() && at < b.size()) {
    const Grapheme next = first_grapheme(a.substr(at)), other = first_grapheme(b.substr(at));
    if (a.substr(at, next.bytes) != b.substr(at, other.bytes)) break;
    at += next.bytes;
  }
  return at;
}

std::string shown_but(std::string_view text, std::string_view kept) {
  if (std::ranges::all_of(text, [](char byte) { return byte >= ' ' && byte != 0x7F; }))
    return std::string(text);
  return rewritten(text, [&](std::string& out, const Letter& letter, std::string_view bytes) {
    const bool is_kept = letter.is_printed || kept.find(bytes) != std::string_view::npos;
    out += is_kept ? std::string(bytes) : escape_of(letter);
  });
}

}  // namespace

size_t display_width(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size();) {
    const Grapheme next = first_grapheme(text.substr(at));
    columns += next.width;
    at += next.bytes;
  }
  return columns;
}

std::string fitted(std::string_view text, size_t width, Cut cut) {
  if (bytes_within(text, width) == text.size()) return std::string(text);
  if (width == 0) return "";
  const size_t after = cut == Cut::end ? 0 : cut == Cut::begin ? width - 1 : (width - 1) / 2;
  const std::string begin(text.substr(0, bytes_within(text, width - 1 - after)));
  return begin + "…" + std::string(after > 0 ? text.substr(begin_of_end(text, after)) : "");
}

// Both ends left out of a text: `begin` columns of its beginning, then what stands from the letter at `from` on.
static std::string fitted_around(std::string_view text, size_t from, size_t begin, size_t width) {
  const std::string head(text.substr(0, bytes_within(text, begin)));
  return head + "…" + fitted(text.substr(from), width - display_width(head) - 1);
}

// Where texts differ in the middle of what every cut leaves out, those of one cut show it from the letter on at which they
// first differ.
static std::vector<std::string> told_apart(const std::vector<std::string>& texts, std::vector<std::string> cuts,
                                           size_t width) {
  constexpr size_t kNarrowest = 8;
  if (width < kNarrowest) return cuts;
  std::map<std::string, std::vector<size_t>> alike;
  for (size_t i = 0; i < texts.size(); ++i) alike[cuts[i]].push_back(i);
  for (const auto& [cut, members] : alike) {
    const std::string& first = texts[members.front()];
    if (std::ranges::all_of(members, [&](size_t i) { return texts[i] == first; })) continue;
    size_t common = first.size();
    for (const size_t i : members) common = std::min(common, common_letters(first, texts[i]));
    for (const size_t i : members) cuts[i] = fitted_around(texts[i], common, width / 3, width);
  }
  return cuts;
}

std::vector<std::string> fitted_apart(const std::vector<std::string>& texts, size_t width) {
  const std::vector<Cut> ways = {Cut::end, Cut::middle, Cut::begin};
  std::vector<std::string> best;
  size_t most = 0;
  for (const Cut way : ways) {
    std::vector<std::string> cuts;
    for (const std::string& text : texts) cuts.push_back(fitted(text, width, way));
    const size_t different = std::set<std::string>(cuts.begin(), cuts.end()).size();
    if (different > most) most = different, best = std::move(cuts);
  }
  return told_apart(texts, std::move(best), width);
}

std::string padded(std::string_view text, size_t width, Side side) {
  const std::string kept = fitted(text, width);
  const std::string blank(width - display_width(kept), ' ');
  return side == Side::left ? kept + blank : blank + kept;
}

std::string shown(std::string_view text) { return shown_but(text, ""); }
std::string shown_lines(std::string_view text) { return shown_but(text, "\n\t"); }
std::string shown_name(std::string_view text, size_t width) {
  return fitted(shown(text), width, Cut::middle);
}

std::string shown_message(std::string_view text) {
  constexpr size_t kLongestWord = 400, kCutWord = 200, kLongest = 4000;
  const std::string line = shown(text);
  if (line.size() <= kLongestWord) return line;
  std::vector<std::string> words = split(line, ' ');
  for (std::string& word : words)
    if (word.size() > kLongestWord) word = fitted(word, kCutWord, Cut::middle);
  return fitted(join(words, " "), kLongest, Cut::middle);
}

std::string error_lines(const Error& error) {
  std::string lines;
  for (const Problem& problem : error.problems()) lines += shown_message(problem.line()) + "\n";
  return lines;
}

std::optional<size_t> terminal_columns(int descriptor) {
  if (::isatty(descriptor) != 1) return std::nullopt;
  winsize size{};
  constexpr size_t kUsual = 80;  // a terminal that does not say
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

}  // namespace subband
