#include "core/config/override.h"

#include "core/config/limits.h"
#include "core/config/override/value_parser.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

bool is_key_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
bool is_key_digit(char c) { return c >= '0' && c <= '9'; }

// The left half of a word: sign, target, package.
class KeyParser {
 public:
  KeyParser(std::string_view text, const Place& place) : text_(text), place_(place) {}

  void parse(Override& word) {
    if (text_.starts_with("++"))
      word.action = Override::Action::force, at_ = 2;
    else if (text_.starts_with('+'))
      word.action = Override::Action::add, at_ = 1;
    else if (text_.starts_with('~'))
      word.action = Override::Action::remove, at_ = 1;
    word.target = path(true);
    if (here() == '@') {
      ++at_;
      word.package = path(false);
    }
    if (here() == '=') return;
    const bool may_end = word.action == Override::Action::remove;
    if (at_ < text_.size()) fail("unexpected '" + character_at(text_, at_) + "' in a key");
    if (!may_end || text_.empty()) fail("expected key=value; known forms: a.b=1, +a.b=1, ++a.b=1, ~a.b");
  }

  size_t offset() const { return at_; }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  [[noreturn]] void fail(const std::string& message) const {
    throw ConfigError(place_.text(), "character " + std::to_string(at_ + 1) + ": " + message, "syntax");
  }

  // One name, or a whole number without leading zero; true for a number.
  bool part() {
    const size_t begin = at_;
    if (is_key_digit(here())) {
      while (is_key_digit(here()) ||
             (here() == '_' && at_ + 1 < text_.size() && is_key_digit(text_[at_ + 1])))
        ++at_;
      if (text_[begin] == '0' && at_ - begin > 1) fail("an index has no leading zero");
      if (is_key_start(here()) || here() == '-') fail("a name of a key cannot begin with a digit");
      return true;
    }
    if (!is_key_start(here()))
      fail(here() == '\0' ? "a key ends too early"
                          : "unexpected '" + character_at(text_, at_) + "' in a key");
    while (is_key_start(here()) || is_key_digit(here()) || here() == '-') ++at_;
    return false;
  }

  // Nothing, a dotted path, or names joined by slashes (where `slashes`).
  std::string path(bool slashes) {
    const size_t begin = at_;
    if (here() == '\0' || here() == '=' || here() == '@') return "";
    bool number = part();
    size_t parts = 1;
    const char separator = here();
    if (separator == '.' || (separator == '/' && slashes)) {
      while (here() == separator) {
        ++at_;
        if (++parts > kMostLevels) fail("a key of more than 200 parts");
        const bool last = part();
        if (separator == '/' && (number || last)) fail("a group's name cannot be a number");
        number = false;
      }
      if (separator == '/' && text_.substr(begin, at_ - begin).find('$') != std::string_view::npos)
        fail("a group's name cannot hold '$'");
      if (here() == '.' || here() == '/') fail("dots and slashes do not mix in a key");
    } else if (number) {
      fail("a key cannot be a lone number");
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  const Place& place_;
  size_t at_ = 0;
};

}  // namespace

// `override 2 (a.b=c)`; of a long word only the beginning.
static Place place_of(std::string_view text, int number) {
  constexpr size_t kLongest = 120;
  std::string shown(text.substr(0, kLongest));
  if (text.size() > kLongest) {
    while (!is_utf8(shown) && shown.size() > kLongest - 4) shown.pop_back();
    shown += "...";
  }
  return {std::make_shared<const std::string>("override " + std::to_string(number) + " (" + shown + ")"), 0,
          0};
}

Override parse_override(std::string_view text, int number) {
  Override word;
  word.place = place_of(text, number);
  if (text.size() > kMostWordBytes)
    throw ConfigError(word.place.text(),
                      "a word of " + bytes_text(static_cast<double>(text.size())) + ": at most 128 KiB",
                      "syntax");
  if (!is_utf8(text)) throw ConfigError(word.place.text(), "a byte that is not UTF-8", "syntax");
  word.text = text;
  KeyParser key(text, word.place);
  key.parse(word);
  word.value.place = word.place;
  if (key.offset() >= text.size()) return word;
  word.has_value = true;
  const std::string_view written = trim(text.substr(key.offset() + 1));
  word.value_text = written;
  if (written.empty()) {
    word.value = Node("");
    word.value.place = word.place;
    return word;
  }
  Value value = ValueParser(text, key.offset() + 1, word.place).whole();
  if (value.quoted) word.value_text = value.node.string();
  word.value = std::move(value.node);
  word.sweep = std::move(value.sweep);
  word.edit = std::move(value.edit);
  return word;
}

std::vector<Override> parse_overrides(std::span<const std::string> texts) {
  std::vector<Override> words;
  words.reserve(texts.size());
  for (const std::string& text : texts)
    words.push_back(parse_override(text, static_cast<int>(words.size()) + 1));
  return words;
}

}  // namespace subband::config
