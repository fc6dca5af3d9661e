// The language of recipes against a model of its meaning: random files of slots, groups and maps of parts, with random
// overrides of them, composed and bound; and the same laid out by rules that know what each key holds:
//   a name is a part with its defaults; a key below a part changes that part; a map that names another type replaces
//   the part; a label names its type unless `type` says otherwise; an option of a group replaces what stands there.
// A model with one rule changed must disagree, which shows that the random cases tell the rules apart.
#include <any>
#include <fstream>
#include <optional>
#include <random>

#include "core/config/compose.h"
#include "core/config/override.h"
#include "core/error.h"
#include "core/slot.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace parts_test {

using namespace subband;
using config::Node;
using Kind = Node::Kind;

// The parts: one kind whose parts hold one another, as models hold blocks and blocks mixers.
struct Widget {
  static constexpr const char* kKind = "widget";
  struct Context {};
};
struct Leaf {
  int64_t size = 1;
  void bind(Binder& b) { b.field("size", size, {}, "a number"); }
};
struct Wrap {
  int64_t size = 2;
  Slot<Widget> inner{"leaf"};
  void bind(Binder& b) {
    b.field("size", size, {}, "a number");
    b.part("inner", inner, Widget::Context{}, "a part");
  }
};
struct Box {
  int64_t depth = 3;
  Slot<Widget> core{"leaf"};
  void bind(Binder& b) {
    b.field("depth", depth, {}, "a number");
    b.part("core", core, Widget::Context{}, "a part");
  }
};
struct Frame {
  std::vector<int64_t> sizes = {4, 5};
  Box box;
  void bind(Binder& b) {
    b.field("sizes", sizes, {}, "numbers");
    b.group("box", box, "a struct with a part");
  }
};
struct Rack {
  bool flag = false;
  Slots<Widget> shelf{"leaf", "wrap"};
  void bind(Binder& b) {
    b.field("flag", flag, "a switch");
    b.parts("shelf", shelf, Widget::Context{}, "parts side by side");
  }
};
template <class Config>
struct Made : Widget {
  Made(const Config&, const Context&) {}
};
struct Recipe {
  Slot<Widget> widget{"wrap"};
  Slots<Widget> side{"leaf"};
  int64_t seed = 7;
  void bind(Binder& b) {
    b.part("widget", widget, Widget::Context{}, "its key is the name of the group");
    b.parts("side", side, Widget::Context{}, "parts side by side");
    b.field("seed", seed, {}, "a number");
  }
};

// The rules of the model that can be changed.
enum class Rule {
  none,
  a_name_replaces,
  another_type_replaces,
  the_same_type_joins,
  a_label_names_its_type,
  a_key_below_keeps_the_name,
  what_is_removed_stays_away,
  an_option_replaces,
  labels_keep_their_order
};
constexpr int kRules = 9;

struct Refused {};

// What one key of a recipe means.
enum class Nature { plain, part, parts, group };
Nature nature_of(const std::string& key, Nature holder) {
  if (holder == Nature::parts) return Nature::part;  // the key is a label
  if (key == "widget" || key == "inner" || key == "core") return Nature::part;
  if (key == "side" || key == "shelf") return Nature::parts;
  return key == "box" ? Nature::group : Nature::plain;
}

// The fields of a type, in order; nothing for a name that is no type.
std::vector<std::string> fields_of(const std::string& type) {
  if (type == "leaf") return {"size"};
  if (type == "wrap") return {"size", "inner"};
  if (type == "frame") return {"sizes", "box"};
  if (type == "rack") return {"flag", "shelf"};
  return {};
}

Node standard_of(const std::string& field, const std::string& type) {
  if (field == "size") return Node(int64_t{type == "leaf" ? 1 : 2});
  if (field == "depth") return Node(int64_t{3});
  if (field == "seed") return Node(int64_t{7});
  if (field == "sizes") return Node::list({Node(int64_t{4}), Node(int64_t{5})});
  return Node(false);
}

struct Value {
  Nature nature = Nature::group;
  Node plain;
  std::string type = {};    ///< of a part; empty: the slot's default
  bool is_written = false;  ///< of parts: the default labels are replaced
  std::vector<std::pair<std::string, Value>> below = {};

  Value* find(const std::string& key) {
    for (auto& [name, value] : below)
      if (name == key) return &value;
    return nullptr;
  }
};

class Model {
 public:
  explicit Model(Rule changed) : changed_(changed) {}

  // One layer: a file's values, or an option's, over what is there.
  void lay(const Node& layer) { set(root_, layer); }

  void change(const std::string& path, const Node& value, bool must_be_new) {
    const auto keys = split(path, '.');
    Value* at = &root_;
    for (size_t i = 0; i + 1 < keys.size(); ++i) at = &child(*at, keys[i]);
    const bool there =
        keys.back() == "type" ? at->nature == Nature::part && is_said(*at) : at->find(keys.back()) != nullptr;
    if (must_be_new && there && !value.is(Kind::map) && !value.is(Kind::list)) throw Refused();
    Node layer = Node::map();
    layer.set(keys.back(), value);
    set_below(*at, layer);
  }

  void remove(const std::string& path) {
    const auto keys = split(path, '.');
    Value* at = &root_;
    for (size_t i = 0; i + 1 < keys.size(); ++i)
      if ((at = at->find(keys[i])) == nullptr) throw Refused();
    if (keys.back() == "type") {
      if (!is_said(*at)) throw Refused();
      at->type.clear();
      return;
    }
    if (std::erase_if(at->below, [&](const auto& each) { return each.first == keys.back(); }) == 0)
      throw Refused();
    if (broken(Rule::what_is_removed_stays_away) && at->below.empty()) at->is_written = false;
  }

  void append(const std::string& path, const Node& item) {
    const auto keys = split(path, '.');
    Value* at = &root_;
    for (const std::string& key : keys)
      if ((at = at->find(key)) == nullptr) throw Refused();
    at->plain.items().push_back(item);
  }

  // The part at `path` is the option, whatever was there.
  void choose(const std::string& path, const Node& option) {
    const auto keys = split(path, '.');
    Value* at = &root_;
    for (const std::string& key : keys) at = &child(*at, key);
    if (!broken(Rule::an_option_replaces)) *at = {.nature = Nature::part};
    set(*at, option);
  }

  Node resolved() {
    Node whole = Node::map();
    refuse_others(root_, {"widget", "side", "seed"});
    whole.set("widget", part(root_.find("widget"), "wrap"));
    whole.set("side", parts(root_.find("side"), {"leaf"}));
    whole.set("seed", field(root_, "seed", ""));
    return whole;
  }

 private:
  bool broken(Rule rule) const { return changed_ == rule; }
  static bool is_said(const Value& part) { return !part.type.empty(); }

  static Value fresh(const std::string& key, Nature holder) {
    Value value{.nature = nature_of(key, holder)};
    value.is_written = value.nature == Nature::parts;
    return value;
  }
  // A part that stands under a label which is a type's name is of that type from the start.
  Value& child(Value& holder, const std::string& key) {
    if (Value* present = holder.find(key)) return *present;
    if (holder.nature == Nature::plain) throw Refused();
    const auto at = broken(Rule::labels_keep_their_order) ? holder.below.begin() : holder.below.end();
    return holder.below.insert(at, {key, fresh(key, holder.nature)})->second;
  }

  void set_below(Value& value, const Node& map) {
    for (const auto& entry : map.entries()) {
      if (value.nature == Nature::part && entry.key == "type") {
        value.type = entry.value.string();
        continue;
      }
      if (value.nature == Nature::part && broken(Rule::a_key_below_keeps_the_name) && value.below.empty() &&
          !map.find("type"))
        value.type.clear();
      Value& under = child(value, entry.key);
      set(under, entry.value, value.nature == Nature::parts ? entry.key : "");
    }
  }

  void set(Value& value, const Node& over, const std::string& label = "") {
    if (value.nature == Nature::plain) {
      value.plain = over;
      return;
    }
    if (value.nature != Nature::part) return set_below(value, over);
    const bool is_name = over.is(Kind::string);
    const Node* type = is_name ? &over : over.find("type");
    const bool is_type = !fields_of(label).empty() && !broken(Rule::a_label_names_its_type);
    const std::string before = is_said(value) ? value.type : is_type ? label : "";
    const bool another = type != nullptr && !before.empty() && type->string() != before;
    if (is_name ? !broken(Rule::a_name_replaces)
                : (another && !broken(Rule::another_type_replaces)) ||
                      (type != nullptr && !another && broken(Rule::the_same_type_joins)))
      value = {.nature = Nature::part};
    if (is_name)
      value.type = over.string();
    else
      set_below(value, over);
  }

  static void refuse_others(const Value& value, const std::vector<std::string>& known) {
    for (const auto& [key, below] : value.below)
      if (std::ranges::find(known, key) == known.end()) throw Refused();
  }

  static Node field(Value& holder, const std::string& name, const std::string& type) {
    const Value* given = holder.find(name);
    return given != nullptr ? given->plain : standard_of(name, type);
  }

  static Node part(Value* given, const std::string& standard) {
    Value nothing{.nature = Nature::part};
    Value& value = given != nullptr ? *given : nothing;
    const std::string type = is_said(value) ? value.type : standard;
    const auto fields = fields_of(type);
    if (fields.empty()) throw Refused();
    refuse_others(value, fields);
    Node whole = Node::map();
    whole.set("type", Node(type));
    for (const std::string& name : fields) {
      if (name == "inner")
        whole.set(name, part(value.find(name), "leaf"));
      else if (name == "shelf")
        whole.set(name, parts(value.find(name), {"leaf", "wrap"}));
      else if (name == "box")
        whole.set(name, box(value.find(name)));
      else
        whole.set(name, field(value, name, type));
    }
    return whole;
  }

  static Node box(Value* given) {
    Value nothing;
    Value& value = given != nullptr ? *given : nothing;
    refuse_others(value, {"depth", "core"});
    Node whole = Node::map();
    whole.set("depth", field(value, "depth", ""));
    whole.set("core", part(value.find("core"), "leaf"));
    return whole;
  }

  static Node parts(Value* given, const std::vector<std::string>& standard) {
    Node whole = Node::map();
    if (given == nullptr || !given->is_written) {
      for (const std::string& label : standard) whole.set(label, part(nullptr, label));
      return whole;
    }
    for (auto& [label, value] : given->below) whole.set(label, part(&value, label));
    return whole;
  }

  Rule changed_;
  Value root_;
};

// One random recipe: files that extend one another, options, and the words of a command line.
struct Word {
  enum class Kind { change, add, force, remove, append, option };
  Kind kind = Kind::change;
  std::string path;
  Node value;

  /// Whether it is about the group's entry in the defaults lists; a case has at most one such word.
  bool is_of_group() const {
    return path == "widget" && (kind == Kind::remove || value.is(Node::Kind::string));
  }

  std::string text() const {
    const std::string value_text = kind == Kind::remove ? "" : "=" + config::override_text(value);
    switch (kind) {
      case Kind::change:
        return path + value_text;
      case Kind::add:
        return "+" + path + value_text;
      case Kind::force:
        return "++" + path + value_text;
      case Kind::remove:
        return "~" + path;
      case Kind::append:
        return path + "=append(" + config::override_text(value) + ")";
      case Kind::option:
        break;
    }
    return (path == "widget" ? path : "widget@" + path) + value_text;
  }
};

struct Case {
  Node big = Node::map();      ///< widget/big.yaml
  Node base = Node::map();     ///< recipes/base.yaml
  Node child = Node::map();    ///< recipes/r.yaml, which extends it
  std::optional<Node> chosen;  ///< the base's defaults list chooses it for the group `widget`
  std::vector<Word> words;
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Case make() {
    Case made{.big = part_map(1), .base = recipe(), .child = recipe()};
    if (!made.big.find("type")) made.big.set("type", Node(type()));
    if (one_of(3)) made.chosen = option();
    for (size_t n = below(5); n > 0; --n) {
      Word next = word();
      const bool again = next.is_of_group() && std::ranges::any_of(made.words, &Word::is_of_group);
      if (!again) made.words.push_back(std::move(next));
    }
    return made;
  }

 private:
  size_t below(size_t n) { return random_() % n; }
  bool one_of(size_t n) { return below(n) == 0; }
  const char* type() {
    constexpr const char* kTypes[] = {"leaf", "wrap", "leaf", "wrap", "frame", "rack"};
    return kTypes[below(6)];
  }
  std::string label() { return one_of(5) ? "spare" : one_of(2) ? "leaf" : type(); }
  Node option() { return one_of(3) ? Node("big") : Node(type()); }
  Node number() { return Node(static_cast<int64_t>(below(9))); }

  Node value(const std::string& key, Nature holder, int depth) {
    switch (nature_of(key, holder)) {
      case Nature::part:
        return one_of(2) || depth > 3 ? Node(type()) : part_map(depth);
      case Nature::parts: {
        Node map = Node::map();
        for (size_t n = below(3); n > 0; --n) {
          const std::string name = label();
          map.set(name, value(name, Nature::parts, depth + 1));
        }
        return map;
      }
      case Nature::group: {
        Node map = Node::map();
        if (one_of(2)) map.set("depth", number());
        if (one_of(2)) map.set("core", value("core", Nature::group, depth + 1));
        return map;
      }
      case Nature::plain:
        break;
    }
    if (key == "flag") return Node(one_of(2));
    return key == "sizes" ? Node::list({number()}) : number();
  }

  // Most often with fields of one type, which it may name.
  Node part_map(int depth) {
    Node map = Node::map();
    const std::string chosen = type();
    if (!one_of(3)) map.set("type", Node(chosen));
    for (const std::string& field : fields_of(one_of(16) ? type() : chosen))
      if (one_of(2)) map.set(field, value(field, Nature::part, depth + 1));
    return map;
  }

  Node recipe() {
    Node map = Node::map();
    if (!one_of(4)) map.set("widget", value("widget", Nature::group, 0));
    if (one_of(2)) map.set("side", value("side", Nature::group, 0));
    if (one_of(2)) map.set("seed", number());
    return map;
  }

  // A path to something that a recipe may hold, and what its last key holds.
  std::string path(std::string& last, Nature& holder) {
    last = one_of(2) ? "side" : one_of(8) ? "seed" : "widget";
    holder = Nature::group;
    std::string whole = last;
    for (int depth = 0; depth < 5 && !one_of(3); ++depth) {
      const Nature here = nature_of(last, holder);
      if (here == Nature::plain || last == "type") break;
      holder = here;
      const auto fields = fields_of(type());
      last = here == Nature::parts   ? label()
             : here == Nature::group ? (one_of(2) ? "depth" : "core")
             : one_of(4)             ? "type"
                                     : fields[below(fields.size())];
      whole += "." + last;
    }
    return whole;
  }

  // Often about the same key as the word before.
  Word word() {
    if (previous_.empty() || !one_of(3)) previous_ = path(last_, holder_);
    const std::string last = last_;
    const Nature holder = holder_;
    Word made{.path = previous_};
    const bool is_part = last != "type" && nature_of(last, holder) == Nature::part;
    constexpr Word::Kind kKinds[] = {Word::Kind::change, Word::Kind::change, Word::Kind::add,
                                     Word::Kind::force, Word::Kind::remove};
    made.kind = kKinds[below(made.path == "widget" ? 3 : 5)];  // `++` is not for groups
    if (made.path == "widget" && one_of(8)) made.kind = Word::Kind::remove;
    if (is_part && one_of(4)) made.kind = Word::Kind::option;
    if (last == "sizes" && one_of(2)) made.kind = Word::Kind::append;
    if (made.kind == Word::Kind::option)
      made.value = option();
    else if (made.kind == Word::Kind::append)
      made.value = number();
    else
      made.value = last == "type" ? Node(type()) : value(last, holder, 2);
    return made;
  }

  std::mt19937_64 random_;
  std::string previous_, last_;  // a path, its last key
  Nature holder_ = Nature::group;
};

// The answer of the program: what was bound, or nothing where it refuses.
class Program {
 public:
  Program() {
    auto& widgets = registry_.of<Widget>();
    widgets.add<Made<Leaf>, Leaf>({.name = "leaf"});
    widgets.add<Made<Wrap>, Wrap>({.name = "wrap"});
    widgets.add<Made<Frame>, Frame>({.name = "frame"});
    widgets.add<Made<Rack>, Rack>({.name = "rack"});
    std::filesystem::create_directories(folder_ / "recipes");
    std::filesystem::create_directories(folder_ / "widget");
  }

  std::optional<Node> answer(const Case& each, std::string& complaint) const {
    const std::string choice = each.chosen ? ", /widget: " + each.chosen->string() : "";
    write("recipes/base.yaml", "defaults: [_self_" + choice + "]\n", each.base);
    write("recipes/r.yaml", "defaults: [base, _self_]\n", each.child);
    write("widget/big.yaml", "", each.big);
    config::ComposeRequest request{.primary = "r", .registry = &registry_};
    request.folders = {{"recipe", folder_ / "recipes"}, {"widget", folder_ / "widget"}};
    for (const Word& word : each.words) request.overrides.push_back(word.text());
    try {
      const config::Composition composed = config::compose(request);
      BindSession session{.registry = &registry_};
      Node resolved;
      Binder binder(session, composed.config, resolved);
      Recipe recipe;
      recipe.bind(binder);
      binder.finish_keys();
      session.finish();
      return resolved;
    } catch (const ConfigError& error) {
      complaint = error.what();
      return std::nullopt;
    }
  }

 private:
  void write(const std::string& name, const std::string& head, const Node& content) const {
    std::ofstream(folder_ / name) << head << (content.size() > 0 ? config::to_yaml(content) : "");
  }

  TestFolder folder_;
  Registry registry_;
};

std::optional<Node> model_answer(const Case& each, Rule changed) {
  Model model(changed);
  const auto option = [&](const Node& name) {
    if (name.string() == "big") return each.big;
    Node part = Node::map();
    part.set("type", name);
    return part;
  };
  const auto lay_option = [&](const Node& name) {
    Node layer = Node::map();
    layer.set("widget", option(name));
    model.lay(layer);
  };
  std::optional<Node> chosen = each.chosen;  // words for its group count from the start, wherever they stand
  bool is_listed = chosen.has_value(), is_added = false;
  for (const Word& word : each.words) {
    if (!word.is_of_group()) continue;
    is_added = word.kind == Word::Kind::add;
    if (is_added && is_listed) return std::nullopt;
    if (word.kind == Word::Kind::remove)
      chosen.reset();
    else if (is_listed)
      chosen = word.value;
  }
  try {
    model.lay(each.base);
    if (chosen) lay_option(*chosen);
    model.lay(each.child);
    for (const Word& word : each.words)
      if (word.is_of_group() && is_added) lay_option(word.value);
    for (const Word& word : each.words) {
      if (word.is_of_group() && (is_listed || is_added)) continue;
      if (word.kind == Word::Kind::option || (word.is_of_group() && word.kind == Word::Kind::change))
        model.choose(word.path, option(word.value));
      else if (word.kind == Word::Kind::remove)
        model.remove(word.path);
      else if (word.kind == Word::Kind::append)
        model.append(word.path, word.value);
      else
        model.change(word.path, word.value, word.kind == Word::Kind::add);
    }
    return model.resolved();
  } catch (const Refused&) {
    return std::nullopt;
  }
}

std::string text_of(const Case& each) {
  std::string text = "base: " + config::to_json(each.base) + "\nr:    " + config::to_json(each.child) +
                     "\nbig:  " + config::to_json(each.big) + "\n";
  if (each.chosen) text += "the base's defaults choose " + each.chosen->string() + "\n";
  for (const Word& word : each.words) text += "  " + word.text() + "\n";
  return text;
}

TEST_CASE("recipes, maps of parts and overrides of them mean what the model says", "[compose][parts]") {
  constexpr int kCases = 4000;
  const Program program;
  Generator generator(12);
  int composed = 0;
  std::vector<int> told_apart(kRules, 0);
  for (int i = 0; i < kCases; ++i) {
    const Case each = generator.make();
    std::string complaint;
    const auto ours = program.answer(each, complaint);
    const auto expected = model_answer(each, Rule::none);
    INFO(text_of(each) << "model:   " << (expected ? config::to_json(*expected) : "refused")
                       << "\nprogram: " << (ours ? config::to_json(*ours) : "refused, " + complaint));
    REQUIRE(ours == expected);
    composed += ours.has_value();
    for (int rule = 1; rule < kRules; ++rule)
      told_apart[static_cast<size_t>(rule)] += model_answer(each, static_cast<Rule>(rule)) != expected;
  }
  CHECK(composed > kCases / 3);
  for (int rule = 1; rule < kRules; ++rule) {
    INFO("a model with rule " << rule << " changed differs in " << told_apart[static_cast<size_t>(rule)]);
    CHECK(told_apart[static_cast<size_t>(rule)] > 2);
  }
}

}  // namespace parts_test
