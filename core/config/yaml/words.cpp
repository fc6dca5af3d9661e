#include "core/config/yaml/words.h"

#include <algorithm>

namespace subband::config {

namespace {

constexpr const char* kTabIndents = "a tab cannot indent: use spaces";
constexpr const char* kTabBetween =
    "a tab cannot stand between words or end a line: use spaces, or quote text that holds one";
constexpr const char* kColon = "a ':' cannot begin a word inside brackets: quote it";
constexpr const char* kComment = "a space must stand before the '#' of a comment";
constexpr const char* kOpenQuote = "a quote that is not closed";
constexpr const char* kLastBreaks =
    "empty lines cannot stand before a closing quote: write \\n in double quotes";
constexpr const char* kEscape = "the escapes \\N and \\_ are not read: write \\u0085 and \\u00A0";
constexpr const char* kKeptFold = "a folded text cannot keep its last line breaks: write | for >";
constexpr const char* kOpenFold = "a folded text cannot end in a line of spaces";
constexpr const char* kLoneTag = "a tag needs a name behind its '!'";
constexpr const char* kLineBreak = "a line break of Unicode's cannot stand here: quote it as \\u2028";

// Walks over the words, and stops at one that is wrong.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  std::optional<WrongWord> find() {
    while (at_ < text_.size() && rule_ == nullptr) step();
    return rule_ == nullptr ? std::nullopt : std::optional(WrongWord{at_, rule_});
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool is_one_of(std::string_view characters) const {
    return at_ < text_.size() && characters.find(text_[at_]) != std::string_view::npos;
  }
  bool is_blank_at(size_t i) const {
    return i >= text_.size() || std::string_view(" \t\n").find(text_[i]) != std::string_view::npos;
  }
  size_t line_end() const { return std::min(text_.find('\n', at_), text_.size()); }
  int column() const { return static_cast<int>(at_ - line_); }

  void step() {
    if (here() == '\n')
      next_line();
    else if (here() == '\t')
      rule_ = text_.find_first_not_of(' ', line_) == at_ ? kTabIndents : kTabBetween;
    else if (is_one_of(" ,"))
      ++at_;
    else if (here() == '#' && (at_ == 0 || is_blank_at(at_ - 1)))
      comment();
    else if (is_one_of("'\""))
      quoted();
    else if (is_one_of("|>") && depth_ == 0)
      block_scalar();
    else if (is_one_of("[{"))
      ++depth_, ++at_;
    else if (is_one_of("]}"))
      depth_ -= depth_ > 0, closed_ = ++at_;
    else if (is_one_of("&!*"))
      property();
    else
      word();
  }

  void next_line() {
    line_ = ++at_;
    token_ = -1;
    if (plain_ < -1) return;
    const size_t first = std::min(text_.find_first_not_of(' ', at_), text_.size());
    if (first < text_.size() && text_[first] == '\n') return;  // an empty line between two of a plain word
    const bool goes_on =
        static_cast<int>(first - at_) > plain_ && first < text_.size() && text_[first] != '#';
    plain_ = kNone;
    if (!goes_on || text_[first] == '\t') return;
    at_ = first;
    word();
  }

  void comment() {
    while (here() != '\n' && at_ < text_.size() && rule_ == nullptr) advance();
  }

  void refuse(size_t at, const char* rule) { at_ = at, rule_ = rule; }

  void property() {
    if (token_ < 0) token_ = column();
    const bool ends =
        is_blank_at(at_ + 1) || std::string_view(",]}").find(text_[at_ + 1]) != std::string_view::npos;
    if (here() == '!' && ends) return refuse(at_, kLoneTag);
    while (!is_blank_at(at_)) ++at_;
  }

  // yaml-cpp takes the end of the text for a closing quote, loses one of several breaks before it, and makes one byte
  // each of \N and \_.
  void quoted() {
    if (token_ < 0) token_ = column();
    const size_t begin = at_;
    const char quote = text_[at_++];
    int breaks = 0;  // since the last character that is no blank
    const auto doubled = [&] { return quote == '\'' && text_.substr(at_).starts_with("''"); };
    while (at_ < text_.size() && (here() != quote || doubled())) {
      const bool escapes = quote == '"' && here() == '\\';
      if (escapes && (text_.substr(at_ + 1).starts_with('N') || text_.substr(at_ + 1).starts_with('_')))
        return refuse(at_, kEscape);
      if (here() == '\n') line_ = at_ + 1, ++breaks;
      if (!is_blank_at(at_)) breaks = 0;
      at_ += escapes || doubled() ? 2 : 1;
    }
    if (at_ >= text_.size()) return refuse(begin, kOpenQuote);
    if (breaks > 1) return refuse(at_, kLastBreaks);
    closed_ = ++at_;
  }

  // A plain word, or one of the marks `- `, `? ` and `: `.
  void word() {
    const int begins = token_ >= 0 ? token_ : column();
    if (is_one_of("-?") && is_blank_at(at_ + 1)) {
      key_ = column(), token_ = -1;
      ++at_;
      return;
    }
    if (here() == ':' && (is_blank_at(at_ + 1) || (depth_ > 0 && closed_ == at_))) {
      key_ = begins, token_ = -1;
      ++at_;
      return;
    }
    if (here() == ':' && depth_ > 0) {
      rule_ = kColon;
      return;
    }
    for (bool first = true; at_ < text_.size() && rule_ == nullptr && (first || !ends_word()); first = false)
      advance();
    if (here() == ':')
      key_ = begins, token_ = -1, ++at_;
    else if (here() == '\n' && depth_ == 0)
      plain_ = key_;
  }

  void advance() {
    const std::string_view rest = text_.substr(at_, 3);
    if (rest.starts_with("\xC2\x85") || rest == "\xE2\x80\xA8" || rest == "\xE2\x80\xA9")
      rule_ = kLineBreak;
    else
      ++at_;
  }

  bool ends_word() const {
    return is_one_of("\t\n") || (depth_ > 0 && is_one_of(",[]{}")) ||
           (here() == '#' && is_blank_at(at_ - 1)) || (here() == ':' && is_blank_at(at_ + 1));
  }

  // The header's line, then every line that is empty or stands further right than the key or dash before the header.
  void block_scalar() {
    const size_t end = line_end();
    size_t mark = at_ + 1;
    while (mark < end && std::string_view("+-0123456789").find(text_[mark]) != std::string_view::npos) ++mark;
    const size_t next = std::min(text_.find_first_not_of(' ', mark), end);
    if (next < end && text_[next] == '\t') return refuse(next, kTabBetween);
    if (next < end && text_[next] == '#' && next == mark) return refuse(next, kComment);
    const bool folds = here() == '>';
    const std::string_view header = text_.substr(at_, mark - at_);
    if (folds && header.find('+') != std::string_view::npos) return refuse(at_, kKeptFold);
    for (at_ = end; at_ < text_.size(); at_ = line_end()) {
      const size_t first = std::min(text_.find_first_not_of(' ', at_ + 1), text_.size());
      const bool is_empty = first == text_.size() || text_[first] == '\n';
      if (!is_empty && static_cast<int>(first - at_) - 1 <= std::max(key_, 0)) return;
      if (folds && first == text_.size() && first > at_ + 1) return refuse(at_ + 1, kOpenFold);
      ++at_;
    }
  }

  static constexpr int kNone = -2;

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 0;    // where this line begins
  size_t depth_ = 0;   // of brackets and braces
  size_t closed_ = 0;  // behind the last quote or bracket
  int key_ = -1;       // column of the last key or dash; -1: none yet
  int token_ = -1;     // column of what may become a key: a quoted word, or the anchor or tag before a word
  int plain_ = kNone;  // where a plain word has reached the end of its line: the key_ of its first line
  const char* rule_ = nullptr;
};

}  // namespace

std::optional<WrongWord> wrong_word(std::string_view text) { return Walker(text).find(); }

}  // namespace subband::config
