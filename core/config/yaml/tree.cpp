#include "core/config/yaml/tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "core/config/limits.h"
#include "core/config/scalar.h"
#include "core/config/yaml/checks.h"
#include "core/config/yaml/layout.h"
#include "core/config/yaml/text.h"

namespace subband::config {

namespace {

constexpr std::string_view kStandard = "tag:yaml.org,2002:";

// `!!set` for the long form that the parser hands out.
std::string tag_text(const std::string& tag) {
  return tag.starts_with(kStandard) ? "!!" + tag.substr(kStandard.size()) : tag;
}

Node tagged(const std::string& tag, const std::string& value, const Place& place) {
  Node node(value);
  if (tag != "!" && tag != "" && tag != "tag:yaml.org,2002:str") {
    const std::string kind = tag.starts_with(kStandard) ? tag.substr(kStandard.size()) : "";
    node = plain_scalar(value, place);
    if (kind == "float" && node.is(Node::Kind::integer)) node = Node(node.number());
    const bool known = kind == "int" || kind == "float" || kind == "bool" || kind == "null";
    const bool fits =
        (kind == "int" && node.is(Node::Kind::integer)) || (kind == "float" && node.is(Node::Kind::number)) ||
        (kind == "bool" && node.is(Node::Kind::boolean)) || (kind == "null" && node.is(Node::Kind::null));
    if (!fits && known) refuse_yaml(place, "!!" + kind + " " + value + ": the tag does not fit the value");
    if (!fits) refuse_unknown_tag(place, tag_text(tag));
  }
  node.place = place;
  return node;
}

// What readers of YAML 1.1 take for something else.
void warn(const std::string& value, const Node& node, const Place& place, Warnings& warnings) {
  const char* reading = other_reading(value);
  if (reading == nullptr) return;
  const bool text = node.is(Node::Kind::string);
  warnings.push_back(place.text() + ": " + value + ": " +
                     (text ? "text" : std::string("the ") + node.kind_name() + " " + to_json(node)) +
                     " here, " + reading + " to readers of YAML 1.1; " +
                     (text ? "quote it" : "write it without the zero"));
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& source, std::string_view text, Warnings* warnings, bool labels)
      : text_(text), layout_(text, source), warnings_(warnings), labels_(labels) {}

  Node take() {
    if (cycle_) refuse_yaml(*cycle_, "this alias stands inside the value that it names", "cycle");
    if (!root_.place.source) root_.place = layout_.place({});
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (seen_document_) {
      const auto offset = static_cast<size_t>(std::max(mark.pos, 0));
      const bool marked = text_.substr(std::min(offset, text_.size())).starts_with("---") ||
                          text_.rfind("\n...", offset) != std::string_view::npos;
      refuse_yaml(layout_.place(mark),
                  marked ? "a second document starts here: one document a file"
                         : "this belongs to nothing above it: a file is one map or one list");
    }
    seen_document_ = true;
  }
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    for (const char c : name)
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_')
        refuse_yaml(layout_.place(mark),
                    "&" + name + ": the name of an anchor is made of letters, digits, - and _");
    if (!anchor_names_.insert(name).second)
      refuse_yaml(layout_.place(mark), "&" + name + ": the anchor stands twice");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = layout_.place(mark);
    layout_.see_null(frames_, mark);
    accept(std::move(node), anchor, true);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Place place = layout_.place(mark);
    const bool plain = tag == "?";
    if (plain && value.starts_with('%')) refuse_yaml(place, "'%' cannot start a word: quote it");
    layout_.see_scalar(frames_, mark, plain ? std::string_view(value) : std::string_view());
    Node node = plain && !value.empty() ? plain_scalar(value, place) : Node();
    if (!plain) node = tagged(tag, value, place);
    if (!node.place.source) node.place = place;
    const bool is_written = !value.empty() || !layout_.is_plain_at(mark);  // `k: !!str` has a tag alone
    if (is_written) layout_.see_value(frames_, mark, false);
    if (plain && warnings_ != nullptr) warn(value, node, place, *warnings_);
    accept(std::move(node), anchor, plain);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Place place = layout_.place(mark);
    const auto found = anchors_.find(anchor);
    if (found ==
        anchors_.end()) {  // a cycle, or a bracket that is not closed: then the parser has more to say
      if (!cycle_) cycle_ = place;
      const bool is_key = !frames_.empty() && frames_.back().is_map() && !frames_.back().key;
      return accept(is_key ? Node("*") : Node::map(), 0, false);  // in its place, what may stand there
    }
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
  void open(Node node, const YAML::Mark& mark, const std::string& tag, const std::string& kind,
            YAML::anchor_t anchor, bool block) {
    node.place = layout_.place(mark);
    layout_.see_value(frames_, mark, block && kind == "seq");
    if (tag != "?" && tag != "!" && tag != "" && tag != std::string(kStandard) + kind)
      refuse_yaml(node.place, tag_text(tag) + ": this tag is not supported for a " + node.kind_name());
    if (!frames_.empty() && frames_.back().is_map() && !frames_.back().key)
      refuse_yaml(node.place, std::string("a key must be one word, not a ") + node.kind_name() +
                                  (block ? "" : "; or a bracket before it is not closed"));
    if (frames_.size() >= kMostLevels) refuse_yaml(node.place, "more than 200 levels of nesting");
    YamlFrame& frame = frames_.emplace_back();
    frame.node = std::move(node), frame.anchor = anchor, frame.block = block, frame.labels = labels_;
  }

  void close() {
    YamlFrame frame = std::move(frames_.back());
    frames_.pop_back();
    accept(frame.take(), frame.anchor, false);
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
    if (frames_.empty())
      root_ = std::move(node);
    else
      frames_.back().accept(std::move(node), plain);
  }

  std::string_view text_;
  YamlLayout layout_;
  Warnings* warnings_;
  bool labels_;
  bool seen_document_ = false;
  size_t nodes_ = 0;
  std::vector<YamlFrame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::set<std::string> anchor_names_;
  std::optional<Place> cycle_;  // of the first alias that stands inside its value
  Node root_;
};

}  // namespace

Node yaml_tree(std::string_view text, const std::string& source, Warnings* warnings, bool labels) {
  TreeBuilder builder(source, text, warnings, labels);
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  while (parser.HandleNextDocument(builder)) {
  }
  return builder.take();
}

}  // namespace subband::config
