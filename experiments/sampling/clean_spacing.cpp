// Takes out the spaces that tokenised corpora such as WikiText have around signs, when the text is done. In this order:
//   @-@ @,@ @.@ become - , .            one space goes before . , ; : ! ? ) ] } and behind ( [ {
//   the space goes before 's 't 'd 'll 've 're 'm 'n at the end of a word
//   quotes with only blanks between them are one series, their blanks go; a series that opens (the first, third, …) takes
//   one space behind it away, one that closes one space before it; double quotes, then series of two single ones or more
// Cost    a few passes over the text
// Source  WaveletLM, clean_spacing
#include <array>
#include <cctype>
#include <string_view>

#include "experiments/sampling.h"

namespace subband::sampling::clean_spacing {

struct Config {
  void bind(Binder&) {}
};

static bool stands_in(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }
static bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

static std::string joined_signs(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_marked =
        i + 2 < text.size() && text[i] == '@' && stands_in(text[i + 1], "-,.") && text[i + 2] == '@';
    out += text[is_marked ? i + 1 : i];
    if (is_marked) i += 2;
  }
  return out;
}

static std::string without_space_before(std::string_view text, std::string_view signs) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != ' ' || i + 1 == text.size() || !stands_in(text[i + 1], signs)) out += text[i];
  return out;
}

static std::string without_space_behind(std::string_view text, std::string_view signs) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (stands_in(text[i], signs) && i + 1 < text.size() && text[i + 1] == ' ') ++i;
  }
  return out;
}

static bool is_ending(std::string_view rest) {
  static constexpr std::array<std::string_view, 8> kEndings = {"s", "t", "d", "ll", "ve", "re", "m", "n"};
  for (const std::string_view each : kEndings)
    if (rest.starts_with(each) && (rest.size() == each.size() || !is_word(rest[each.size()]))) return true;
  return false;
}

static std::string joined_endings(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != ' ' || i + 1 == text.size() || text[i + 1] != '\'' || !is_ending(text.substr(i + 2))) out += text[i];
  return out;
}

static std::string joined_quotes(std::string_view text, char quote, size_t least) {
  std::string out;
  bool opens = true;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != quote) {
      out += text[i++];
      continue;
    }
    size_t quotes = 1, end = i + 1;
    for (size_t next = end; next < text.size(); ++next) {
      if (text[next] == quote) ++quotes, end = next + 1;
      else if (!is_blank(text[next])) break;
    }
    const bool is_series = quotes >= least;
    if (is_series && !opens && out.ends_with(' ')) out.pop_back();
    out += is_series ? std::string(quotes, quote) : std::string(text.substr(i, end - i));
    i = end;
    if (!is_series) continue;
    if (opens && i < text.size() && text[i] == ' ') ++i;
    opens = !opens;
  }
  return out;
}

class CleanSpacing final : public Sampling {
 public:
  CleanSpacing(const Config&, const SamplingContext&) {}
  SamplingStage stage() const override { return SamplingStage::text; }
  std::string finished(const std::string& text) const override {
    std::string clean = without_space_before(joined_signs(text), ".,;:!?");
    clean = without_space_before(without_space_behind(clean, "([{"), ")]}");
    return joined_quotes(joined_quotes(joined_endings(clean), '"', 1), '\'', 2);
  }
};

void add_to(SamplingRegistry& r) {
  r.add<CleanSpacing, Config>({.name = "clean_spacing",
                               .summary = "takes out the spaces around signs that tokenised corpora have",
                               .source = "WaveletLM, clean_spacing",
                               .cost = "a few passes over the finished text"});
}

}  // namespace subband::sampling::clean_spacing
