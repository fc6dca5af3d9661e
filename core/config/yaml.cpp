#include "core/config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "core/config/limits.h"
#include "core/config/scalar.h"
#include "core/config/yaml_text.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace subband::config {

namespace {

[[noreturn]] void refuse_yaml(const Place& place, std::string message, const char* kind = "syntax") {
  throw ConfigError(place.text(), std::move(message), kind);
}

// Builds the tree from yaml-cpp's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& source, std::string_view text, Warnings* warnings)
      : source_(std::make_shared<const std::string>(source)), text_(text), warnings_(warnings) {
    is_ascii_ =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  Node take() {
    refuse_open_quote();
    if (!root_.place.source) root_.place = {source_, 1, 1};
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (seen_document_) {
      const auto offset = static_cast<size_t>(std::max(mark.pos, 0));
      const bool marked = text_.substr(std::min(offset, text_.size())).starts_with("---") ||
                          text_.rfind("\n...", offset) != std::string_view::npos;
      refuse_yaml(at(mark), marked ? "a second document starts here: one document a file"
                                   : "this belongs to nothing above it: a file is one map or one list");
    }
    seen_document_ = true;
  }
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    for (const char c : name)
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_')
        refuse_yaml(at(mark), "&" + name + ": the name of an anchor is made of letters, digits, - and _");
    if (!anchor_names_.insert(name).second) refuse_yaml(at(mark), "&" + name + ": the anchor stands twice");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = at(mark);
    const char there = character(mark.pos);
    const bool at_key = !frames_.empty() && frames_.back().key &&
                        frames_.back().key->key_place.line == node.place.line &&
                        frames_.back().key->key_place.column ==
                            node.place.column;  // yaml-cpp's mark of a value that is not there
    const bool written = !at_key && (there == 'n' || there == 'N' || there == '~');
    if (!frames_.empty() && !written) refuse_gap(frames_.back(), node.place, there);
    if (written && is_ascii_) refuse_lone_null(mark, there == '~' ? 1 : 4, node.place);
    accept(std::move(node), anchor, true);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& written) override {
    const Place place = at(mark);
    const bool plain = tag == "?";
    const std::string value = plain ? written : with_whole_escapes(written);
    if (!plain) last_quoted_ = mark;
    if (plain && value.starts_with('%')) refuse_yaml(place, "'%' cannot start a word: quote it");
    note_key(mark, plain ? std::string_view(value) : std::string_view());
    Node node = plain ? plain_scalar(value, place) : tagged(tag, value, place);
    refuse_unindented(mark, place, false);
    if (plain && warnings_ != nullptr) warn(value, node, place);
    accept(std::move(node), anchor, plain);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      refuse_yaml(at(mark), "this alias stands inside the value that it names", "cycle");
    const Place place = at(mark);
    count(count_nodes(found->second), place);  // nine lines can mean a billion values
    Node node = found->second;
    node.place = place;
    accept(std::move(node), 0, false);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Node::list(), mark, tag, "seq", anchor, style == YAML::EmitterStyle::Block);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Node::map(), mark, tag, "map", anchor, style == YAML::EmitterStyle::Block);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    bool block = false;        // written with indentation, not brackets
    std::optional<Entry> key;  // a map's key that waits for its value
    bool has_colon = true;     // and what follows it is a colon, as far as can be seen
    bool question = false;     // and `? ` stands before it
    bool merge_key = false;    // it is a plain `<<`
    std::vector<Node> merged;  // what `<<` brought
  };

  Place at(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  // yaml-cpp takes the end of the file for a closing quote; only the last scalar can be such a one.
  void refuse_open_quote() {
    if (!last_quoted_) return;
    if (quote_is_open(text_, static_cast<size_t>(last_quoted_->pos)))
      refuse_yaml({source_, last_quoted_->line + 1, last_quoted_->column + 1}, "a quote that is not closed");
  }

  // `!!set` for the long form that the parser hands out.
  static std::string tag_text(const std::string& tag) {
    constexpr std::string_view kStandard = "tag:yaml.org,2002:";
    return tag.starts_with(kStandard) ? "!!" + tag.substr(kStandard.size()) : tag;
  }

  Node tagged(const std::string& tag, const std::string& value, const Place& place) {
    Node node(value);
    constexpr std::string_view kStandard = "tag:yaml.org,2002:";
    if (tag != "!" && tag != "" && tag != "tag:yaml.org,2002:str") {
      const std::string kind = tag.starts_with(kStandard) ? tag.substr(kStandard.size()) : "";
      node = plain_scalar(value, place);
      if (kind == "float" && node.is(Node::Kind::integer)) node = Node(node.number());
      const bool known = kind == "int" || kind == "float" || kind == "bool" || kind == "null";
      const bool fits = (kind == "int" && node.is(Node::Kind::integer)) ||
                        (kind == "float" && node.is(Node::Kind::number)) ||
                        (kind == "bool" && node.is(Node::Kind::boolean)) ||
                        (kind == "null" && node.is(Node::Kind::null));
      if (!fits && known) refuse_yaml(place, "!!" + kind + " " + value + ": the tag does not fit the value");
      if (!fits)
        refuse_yaml(place, tag_text(tag) + ": an unknown tag; known: !!str, !!int, !!float, !!bool, !!null");
    }
    node.place = place;
    return node;
  }

  void warn(const std::string& value, const Node& node, const Place& place) {
    const char* reading = other_reading(value);
    if (reading == nullptr) return;
    const bool text = node.is(Node::Kind::string);
    warnings_->push_back(place.text() + ": " + value + ": " +
                         (text ? "text" : std::string("the ") + node.kind_name() + " " + brief(node)) +
                         " here, " + reading + " to readers of YAML 1.1; " +
                         (text ? "quote it" : "write it without the zero"));
  }

  char character(int offset) const {
    return offset >= 0 && static_cast<size_t>(offset) < text_.size() ? text_[static_cast<size_t>(offset)]
                                                                     : '\0';
  }

  // yaml-cpp takes `text:word` on a line of its own for a key without a value. Looks for the colon after a key.
  void note_key(const YAML::Mark& mark, std::string_view plain) {
    if (frames_.empty()) return;
    Frame& frame = frames_.back();
    if (!frame.block || !frame.node.is(Node::Kind::map) || frame.key) return;
    auto i = static_cast<size_t>(std::max(mark.pos, 0));
    if (i >= text_.size()) return;
    const std::string_view line = text_.substr(i, std::min(text_.find('\n', i), text_.size()) - i);
    frame.has_colon = plain.empty()             ? line.find(':') != std::string_view::npos
                      : line.starts_with(plain) ? trim(line.substr(plain.size())).starts_with(':')
                                                : !is_ascii_;  // marks count characters, not bytes
    const size_t before = text_.find_last_not_of(" \t", i == 0 ? 0 : i - 1);
    frame.question = i > 0 && before != std::string_view::npos && text_[before] == '?';
    frame.has_colon = frame.has_colon || frame.question;
  }

  // Nothing stands where a key, a value or an item should: legal after `key:` and `-`, and before the end of `[1, ]`.
  void refuse_gap(const Frame& frame, const Place& place, char there) const {
    const bool map = frame.node.is(Node::Kind::map);
    if (map && !frame.key) refuse_yaml(place, "a key is missing before ':'");
    if (map && !frame.has_colon)
      refuse_yaml(frame.key->key_place,
                  frame.key->key + ": expected 'key: value'; a space must follow the colon");
    if (!map && !frame.block && there == ',') refuse_yaml(place, "an item of a list is missing before ','");
  }

  // A null on a line of its own, where a key should be.
  void refuse_lone_null(const YAML::Mark& mark, size_t length, const Place& place) {
    const std::string_view word = text_.substr(static_cast<size_t>(mark.pos), length);
    note_key(mark, word);
    if (!frames_.empty() && !frames_.back().key && !frames_.back().has_colon)
      refuse_yaml(place, std::string(word) + ": expected 'key: value'; a space must follow the colon");
  }

  // A value on a later line than its key must stand further right; a block list may stand just below it.
  void refuse_unindented(const YAML::Mark& mark, const Place& place, bool block_list) const {
    if (frames_.empty() || !frames_.back().block || !frames_.back().key || frames_.back().question) return;
    const Place& key = frames_.back().key->key_place;
    const int least = block_list ? key.column : key.column + 1;
    if (mark.line + 1 > key.line && mark.column + 1 < least)
      refuse_yaml(place,
                  "the value of '" + frames_.back().key->key + "' must stand further right than its key");
  }

  void open(Node node, const YAML::Mark& mark, const std::string& tag, const std::string& kind,
            YAML::anchor_t anchor, bool block) {
    node.place = at(mark);
    refuse_unindented(mark, node.place, block && kind == "seq");
    if (tag != "?" && tag != "!" && tag != "" && tag != "tag:yaml.org,2002:" + kind)
      refuse_yaml(node.place, tag_text(tag) + ": this tag is not supported for a " + node.kind_name());
    if (!frames_.empty() && frames_.back().node.is(Node::Kind::map) && !frames_.back().key)
      refuse_yaml(node.place, std::string("a key must be one word, not a ") + node.kind_name() +
                                  (block ? "" : "; or a bracket before it is not closed"));
    if (frames_.size() >= kMostLevels) refuse_yaml(node.place, "more than 200 levels of nesting");
    frames_.push_back({.node = std::move(node),
                       .anchor = anchor,
                       .block = block,
                       .key = {},
                       .has_colon = true,
                       .question = false,
                       .merge_key = false,
                       .merged = {}});
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (!frame.merged.empty()) frame.node = with_merged(std::move(frame.node), frame.merged);
    accept(std::move(frame.node), frame.anchor, false);
  }

  void count(size_t nodes, const Place& place) {
    nodes_ += nodes;
    if (nodes_ > kMostValues)
      refuse_yaml(place, "more than 100,000 keys and values, those of anchors and aliases included");
  }

  void accept(Node node, YAML::anchor_t anchor, bool plain) {
    count(1, node.place);
    if (anchor != 0) {
      count(count_nodes(node), node.place);
      anchors_[anchor] = node;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.is(Node::Kind::list))
      frame.node.items().push_back(std::move(node));
    else if (!frame.key)
      accept_key(frame, node, plain);
    else
      accept_value(frame, std::move(node));
  }

  static void accept_key(Frame& frame, const Node& node, bool plain) {
    if (node.is(Node::Kind::null)) refuse_yaml(node.place, "null cannot be a key; quote it", "bad_value");
    Entry entry;
    entry.key_kind = node.kind();
    if (node.is(Node::Kind::list) || node.is(Node::Kind::map))
      refuse_yaml(node.place, "a key must be one word");
    entry.key = node.is(Node::Kind::string) ? node.string() : to_json(node);
    if (node.is(Node::Kind::number)) entry.key = number_text(node.number());
    entry.key_place = node.place;
    for (const Entry& present : frame.node.entries())
      if (present.key == entry.key && present.key_kind == entry.key_kind)
        refuse_yaml(node.place, entry.key + ": the key stands twice; first at line " +
                                    std::to_string(present.key_place.line));
    if (frame.node.size() >= kMostKeys) refuse_yaml(node.place, "more than 2,000 keys in one map");
    frame.merge_key = plain && entry.key == "<<";
    frame.key = std::move(entry);
  }

  static void accept_value(Frame& frame, Node node) {
    if (frame.merge_key) {
      const std::vector<Node> brought = node.is(Node::Kind::list) ? node.items() : std::vector<Node>{node};
      for (const Node& each : brought) {
        if (!each.is(Node::Kind::map)) refuse_yaml(node.place, "<<: expected a map or a list of maps");
        frame.merged.push_back(each);
      }
    } else {
      frame.key->value = std::move(node);
      frame.node.entries().push_back(std::move(*frame.key));
    }
    frame.key.reset();
  }

  std::shared_ptr<const std::string> source_;
  std::string_view text_;
  Warnings* warnings_;
  bool is_ascii_ = true, seen_document_ = false;
  std::optional<YAML::Mark> last_quoted_;
  size_t nodes_ = 0;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::set<std::string> anchor_names_;
  Node root_;
};

// yaml-cpp's words for what is malformed, in ours: what is wrong there, and what to do.
std::string complaint_about(const std::string& message, std::string_view text, size_t offset) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"illegal map value", "a ':' cannot stand here: quote text that holds one, or mind the indentation"},
      {"illegal map key", "'?' cannot start a word: quote it"},
      {"illegal block entry", "'- ' cannot stand here: quote it, or begin the list on a line of its own"},
      {"illegal flow end", "this closes no bracket or brace"},
      {"end of map not found", "this belongs to nothing above it: mind the indentation"},
      {"end of sequence not found", "this belongs to nothing above it: mind the indentation"},
      {"end of sequence flow not found",
       "a list in brackets needs ',' or ']' here; quote ${...} inside brackets"},
      {"end of map flow not found", "a map in braces needs ',' or '}' here; quote ${...} inside braces"},
      {"the referenced anchor is not defined", "this alias names no anchor above it"}};
  if (message == "unknown token" && offset < text.size())
    return std::string("'") + text[offset] + "' cannot start a word: quote it";
  for (const auto& [theirs, ours] : kWords)
    if (message == theirs) return ours;
  std::string lower = message;
  if (!lower.empty() && lower.front() >= 'A' && lower.front() <= 'Z')
    lower.front() = static_cast<char>(lower.front() - 'A' + 'a');
  return lower;
}

}  // namespace

// Tabs and line breaks are all that may stand beside printable text.
static void refuse_control_characters(std::string_view text, const std::string& source) {
  int line = 1, column = 1;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
    if (control)
      refuse_yaml({std::make_shared<const std::string>(source), line, column},
                  "byte " + std::to_string(byte) + ": a control character cannot stand in a spec");
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n';
  }
}

static void refuse_tabs(std::string_view text, const std::string& source) {
  const auto tab = tab_between_words(text);
  if (!tab) return;
  const std::string_view before = text.substr(0, *tab);
  const size_t line = before.rfind('\n') + 1;  // 0 where there is none
  const bool indents = before.find_first_not_of(' ', line) == std::string_view::npos;
  refuse_yaml(
      {std::make_shared<const std::string>(source),
       static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
       static_cast<int>(*tab - line) + 1},
      indents ? "a tab cannot indent: use spaces"
              : "a tab cannot stand between words or end a line: use spaces, or quote text that holds one");
}

// yaml-cpp passes over every line that begins with '%'. Directives stand above a line ---, and there are two.
static void refuse_lost_lines(std::string_view text, const std::string& source) {
  bool first = true;
  int number = 1;
  for (size_t i = 0; i < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', i), text.size());
    const std::string_view line = text.substr(i, end - i);
    const bool directive = first && (line.starts_with("%YAML ") || line.starts_with("%TAG ")) &&
                           text.find("\n---", i) != std::string_view::npos;
    if (line.starts_with('%') && !directive)
      refuse_yaml({std::make_shared<const std::string>(source), number, 1},
                  "'%' cannot start a line: quote it");
    first = first && (directive || trim(line).empty() || line.starts_with('#'));
    i = end + 1;
  }
}

[[noreturn]] static void refuse_size(const std::string& source, size_t bytes) {
  throw ConfigError(source, "a file of " + bytes_text(static_cast<double>(bytes)) + ": at most 2 MiB",
                    "syntax");
}

Node parse_yaml(std::string_view text, const std::string& source, Warnings* warnings) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > kMostFileBytes) refuse_size(source, text.size());
  if (!is_utf8(text)) refuse_yaml(first_bad_byte(text, source), "a byte that is not UTF-8");
  refuse_control_characters(text, source);
  refuse_lost_lines(text, source);
  refuse_tabs(text, source);
  TreeBuilder builder(source, text, warnings);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& wrong) {
    const Place place{std::make_shared<const std::string>(source), wrong.mark.line + 1,
                      wrong.mark.column + 1};
    const auto offset = static_cast<size_t>(std::max(wrong.mark.pos, 0));
    const size_t begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;  // 0 where there is none
    const std::string_view line = text.substr(begin, text.find('\n', offset) - begin);
    if (trim(line) == "?") refuse_yaml(place, "null cannot be a key; quote it", "bad_value");
    refuse_yaml(place, complaint_about(wrong.msg, text, offset));
  }
  return builder.take();
}

std::string read_yaml_text(const std::filesystem::path& path, const std::string& shown) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  if (!unknown && size > kMostFileBytes) refuse_size(shown, size);
  return read_file(path);
}

Node read_yaml(const std::filesystem::path& path, Warnings* warnings) {
  return parse_yaml(read_yaml_text(path, path.string()), path.string(), warnings);
}

}  // namespace subband::config
