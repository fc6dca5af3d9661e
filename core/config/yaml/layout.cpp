#include "core/config/yaml/layout.h"

#include <algorithm>

#include "core/config/yaml/checks.h"
#include "core/config/yaml/text.h"
#include "core/text.h"

namespace subband::config {

static constexpr const char* kColonRule = ": expected 'key: value'; a space must follow the colon";

YamlLayout::YamlLayout(std::string_view text, const std::string& source)
    : source_(std::make_shared<const std::string>(source)), text_(text) {}

size_t YamlLayout::offset(const YAML::Mark& mark) const {
  return std::min(static_cast<size_t>(std::max(mark.pos, 0)), text_.size());
}

size_t YamlLayout::word_at(const YAML::Mark& mark) const {
  const size_t at = offset(mark);
  return at < text_.size() && (text_[at] == '&' || text_[at] == '!') ? behind_properties(text_, at) : at;
}

bool YamlLayout::is_plain_at(const YAML::Mark& mark) const {
  const size_t at = word_at(mark);
  return at >= text_.size() || std::string_view("'\"|>").find(text_[at]) == std::string_view::npos;
}

// yaml-cpp takes `text:word` on a line of its own for a key without a value. Looks for the colon after a key.
void YamlLayout::see_scalar(std::vector<YamlFrame>& frames, const YAML::Mark& mark,
                            std::string_view word) const {
  if (frames.empty()) return;
  YamlFrame& frame = frames.back();
  if (!frame.block || !frame.is_map() || frame.key) return;
  const size_t i = word_at(mark);
  if (i >= text_.size()) return;
  const std::string_view line = text_.substr(i, std::min(text_.find('\n', i), text_.size()) - i);
  frame.has_colon = word.empty() ? line.find(':') != std::string_view::npos
                                 : line.starts_with(word) && trim(line.substr(word.size())).starts_with(':');
  const size_t before = text_.find_last_not_of(" \t", i == 0 ? 0 : i - 1);
  frame.question = i > 0 && before != std::string_view::npos && text_[before] == '?';
  frame.has_colon = frame.has_colon || frame.question;
}

// Nothing may stand after `key:` and `-`, and before the end of `[1, ]`; not where a key or an item should.
static void refuse_gap(const YamlFrame& frame, const Place& place, char there) {
  if (frame.is_map() && !frame.key) refuse_yaml(place, "a key is missing before ':'");
  if (frame.is_map() && !frame.has_colon) refuse_yaml(frame.key->key_place, frame.key->key + kColonRule);
  if (!frame.is_map() && !frame.block && there == ',')
    refuse_yaml(place, "an item of a list is missing before ','");
}

void YamlLayout::see_null(std::vector<YamlFrame>& frames, const YAML::Mark& mark) const {
  const Place here = place(mark);
  const size_t at = offset(mark);
  const char there = at < text_.size() ? text_[at] : '\0';
  if (there == '!' && text_.substr(at + 1).find_first_of("! \n,]}") != 0)
    refuse_unknown_tag(here, std::string(text_.substr(at, text_.find_first_of(" \n,]}", at) - at)));
  const bool at_key = !frames.empty() && frames.back().key &&
                      frames.back().key->key_place.line == here.line &&
                      frames.back().key->key_place.column == here.column;  // the mark of what is not there
  const bool written = !at_key && (there == 'n' || there == 'N' || there == '~');
  const size_t before = text_.substr(0, at).find_last_not_of(" \n");
  const bool is_marked = there == '&' || (before != std::string_view::npos && text_[before] == '?');
  if (is_marked && !frames.empty() && frames.back().is_map() && !frames.back().key)
    refuse_yaml(here, "null cannot be a key; quote it", "bad_value");
  if (!frames.empty() && !written) refuse_gap(frames.back(), here, there);
  if (!written) return;
  const std::string_view word = text_.substr(at, there == '~' ? 1 : 4);
  see_scalar(frames, mark, word);
  if (!frames.empty() && !frames.back().key && !frames.back().has_colon)  // alone, where a key should be
    refuse_yaml(here, std::string(word) + kColonRule);
}

void YamlLayout::see_value(const std::vector<YamlFrame>& frames, const YAML::Mark& mark,
                           bool is_block_list) const {
  if (frames.empty() || !frames.back().block || !frames.back().key || frames.back().question) return;
  const Entry& key = *frames.back().key;
  const int least = is_block_list ? key.key_place.column : key.key_place.column + 1;
  const size_t begin = offset(mark), at = word_at(mark);
  if (at < text_.size() && (text_[at] == '|' || text_[at] == '>')) return;  // its header may stand anywhere
  const std::string_view between = text_.substr(begin, at - begin);         // its anchor and tag
  const size_t last_break = between.rfind('\n');
  const bool is_below = last_break != std::string_view::npos || mark.line + 1 > key.key_place.line;
  const auto moved = static_cast<int>(between.size());
  const int column =
      last_break == std::string_view::npos ? mark.column + 1 + moved : moved - static_cast<int>(last_break);
  if (is_below && column < least)
    refuse_yaml(place(mark), "the value of '" + key.key + "' must stand further right than its key");
}

}  // namespace subband::config
