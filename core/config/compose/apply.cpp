// Overrides of values.
#include <algorithm>
#include <type_traits>

#include "core/config/compose/list_edit.h"
#include "core/config/compose/merger.h"
#include "core/config/interpolation.h"
#include "core/config/merge.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

bool holds_others(const Node& node) { return node.is(Kind::map) || node.is(Kind::list); }

void refuse_null_keys(const Node& node) {
  if (node.is(Kind::list))
    for (const Node& item : node.items()) refuse_null_keys(item);
  if (!node.is(Kind::map)) return;
  for (const Entry& entry : node.entries()) {
    if (entry.key_kind == Kind::null)
      throw ConfigError(entry.key_place.text(), "null cannot be a key", "bad_value");
    refuse_null_keys(entry.value);
  }
}

Location child_of(const Location& container, size_t i) {
  Location child = container;
  const Node& node = *container.node;
  const bool list = node.is(Kind::list);
  child.way.push_back({&node, list ? std::string_view() : std::string_view(node.entries()[i].key), i});
  child.node = list ? &node.items()[i] : &node.entries()[i].value;
  return child;
}

// Whether the word of a removal is what stands there. References inside lists and maps may be written as they
// are, and one that leads nowhere equals nothing else.
bool names(Interpolator& in, const Node& word, const Location& written) {
  const Location there = in.follow(written);
  if (!holds_others(word)) return !holds_others(*there.node) && means_same(*there.node, word);
  if (there.node->kind() != word.kind() || there.node->size() != word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const Node& item = word.is(Kind::list) ? word.items()[i] : word.entries()[i].value;
    size_t at = i;
    if (word.is(Kind::map)) {
      const auto& entries = there.node->entries();
      const auto same = std::find_if(entries.begin(), entries.end(), [&](const Entry& each) {
        return each.key == word.entries()[i].key && each.key_kind == word.entries()[i].key_kind;
      });
      if (same == entries.end()) return false;
      at = static_cast<size_t>(same - entries.begin());
    }
    const Location child = child_of(there, at);
    if (item.is(Kind::string) && may_interpolate(item.string()) && item == *child.node) continue;
    try {
      if (!names(in, item, child)) return false;
    } catch (const ConfigError& error) {
      if (error.first().kind == "cycle") throw;
      return false;
    }
  }
  return true;
}

class OverrideApplier {
 public:
  OverrideApplier(Node& root, const Override& word, Language language)
      : root_(root),
        word_(word),
        language_(language),
        merger_(root, language, closed(word, language)),
        keys_(split(word.target, '.')) {}

  void apply() {
    if (language_.has_parts()) open_names();
    if (word_.action == Override::Action::remove) return remove();
    if (word_.edit) return change_list();
    if (word_.action == Override::Action::add) refuse_present();
    Node* container = reach_container();
    const std::string& last = keys_.back();
    Node* present = child(*container, last);
    if (present == nullptr) {
      if (container->is(Kind::list) || closed(word_, language_)) fail_unknown(*container, keys_.size() - 1);
      check(word_.value);
      container->entries().push_back({last, Kind::string, word_.place, word_.value});
      return;
    }
    check(word_.value);
    const bool joins = holds_others(word_.value) && (holds_others(*present) || language_.has_parts());
    merger_.way().push_back(step(*container, last));
    if (joins)
      merger_.replace(*present, word_.value);
    else
      *present = word_.value;
  }

 private:
  static bool closed(const Override& word, Language language) {
    return word.action == Override::Action::change && !language.has_parts();
  }

  [[noreturn]] void fail(const std::string& message, const char* kind) const {
    throw ConfigError(word_.place.text(), message, kind);
  }

  static void check(const Node& value) {
    check_interpolations(value);
    refuse_null_keys(value);
  }

  std::string path_up_to(size_t last) const { return join(std::span(keys_).first(last + 1), "."); }

  [[noreturn]] void fail_unknown(const Node& container, size_t i) const {
    std::vector<std::string> known;
    if (container.is(Kind::list) && !parse_integer(keys_[i]))
      fail(path_up_to(i) + ": a list is indexed by whole numbers", "bad_value");
    if (container.is(Kind::list))
      fail(path_up_to(i) + ": the list has " + std::to_string(container.size()) + " items", "unknown_key");
    if (container.is(Kind::map))
      for (const Entry& entry : container.entries()) known.push_back(entry.key);
    if (!holds_others(container))
      fail(path_up_to(i) + ": " + path_up_to(i - 1) + " = " + brief(container) + " holds no keys",
           "unknown_key");
    const bool add = word_.action == Override::Action::change;
    const std::string hint = add ? "; write +" + word_.text + " to add it" : "";
    fail(path_up_to(i) + ": unknown key" + suggestion(keys_[i], known) + hint, "unknown_key");
  }

  static Node* child(Node& container, const std::string& key) {
    if (container.is(Kind::map)) return find_text_key(container, key);
    const auto index = container.is(Kind::list) ? parse_integer(key) : std::nullopt;
    if (!index || *index < 0 || static_cast<size_t>(*index) >= container.size()) return nullptr;
    return &container.items()[static_cast<size_t>(*index)];
  }

  static Step step(const Node& container, const std::string& key) {
    if (container.is(Kind::list))
      return {&container, {}, static_cast<size_t>(parse_integer(key).value_or(0))};
    return {&container, key, 0};
  }

  // A part's plain name is its map form: `~mixer.type` removes the name.
  void open_names() {
    Node* node = &root_;
    for (size_t i = 0; i + 1 < keys_.size() && node != nullptr; ++i) {
      node = child(*node, keys_[i]);
      const bool is_name = node != nullptr && node->is(Kind::string) && !may_interpolate(node->string());
      if (is_name) merger_.open(*node);
    }
  }

  // The container that holds the last key; what is missing on the way is made where the word may add.
  Node* reach_container() {
    Node* node = &root_;
    for (size_t i = 0; i + 1 < keys_.size(); ++i) {
      Node* next = child(*node, keys_[i]);
      if (next == nullptr) {
        if (node->is(Kind::list) || closed(word_, language_)) fail_unknown(*node, i);
        node->entries().push_back({keys_[i], Kind::string, word_.place, Node::map()});
        next = &node->entries().back().value;
        next->place = word_.place;
      }
      merger_.way().push_back(step(*node, keys_[i]));
      if (!holds_others(*next) && closed(word_, language_)) fail_unknown(*next, i + 1);
      if (!holds_others(*next) && language_.has_parts()) merger_.open(*next);
      if (!holds_others(*next)) {
        *next = Node::map();
        next->place = word_.place;
      }
      node = next;
    }
    return node;
  }

  // What is at the target, seen through interpolations; nullptr where absent, unset or (in Hydra) null.
  const Node* seen(Interpolator& in, bool null_counts) const {
    const Location from{&word_.value, {{&root_, keys_.front(), 0}}, false, false};
    Location found = in.select(word_.target, from);
    if (found.node != nullptr) found = in.follow(found);
    if (found.node == nullptr || found.node->is_missing() || (found.node->is(Kind::null) && !null_counts))
      return nullptr;
    return found.node;
  }

  // What is looked up for this word; a reference to nothing is a mistake of this word.
  template <class Look>
  std::invoke_result_t<Look> looked_up(const Look& look) const {
    try {
      return look();
    } catch (const ConfigError& error) {
      if (error.first().kind == "cycle") throw;
      fail(word_.target + ": refers to nothing: " + error.first().message, "bad_value");
    }
  }

  // On the way to the target, seen through interpolations.
  void refuse_names_in_lists(Interpolator& in) const {
    const Location from{&word_.value, {{&root_, keys_.front(), 0}}, false, false};
    for (size_t i = 1; i < keys_.size(); ++i) {
      const Location at = looked_up([&] {
        const Location found = in.select(path_up_to(i - 1), from);
        return found.node != nullptr ? in.follow(found) : found;
      });
      if (at.node == nullptr) return;
      if (at.node->is(Kind::list) && !parse_integer(keys_[i])) fail_unknown(*at.node, i);
    }
  }

  void refuse_present() const {
    const bool container = holds_others(word_.value);  // which joins what is there, or takes its place
    if (container && language_.has_parts()) return;
    Interpolator in(root_);
    refuse_names_in_lists(in);
    const Node* present = looked_up([&] { return seen(in, language_.has_parts()); });
    if (present != nullptr && !container)
      fail(word_.target + ": is there already, set by " + present->place.text() +
               "; drop the + to change it, or write ++ to set it in any case",
           "already_exists");
  }

  void remove() {
    if (word_.target.empty() && word_.value.is(Kind::map))
      fail("the key before '=' is missing: the whole config is not removed", "bad_value");
    Interpolator in(root_);
    refuse_names_in_lists(in);
    const size_t dot = word_.target.rfind('.');
    const Location from{&word_.value, {{&root_, keys_.front(), 0}}, false, false};
    Node* container = &root_;
    if (dot != std::string::npos) {
      const Location parent = looked_up([&] {
        const Location at = in.select(word_.target.substr(0, dot), from);
        return at.node != nullptr ? in.follow(at) : at;
      });
      if (parent.node == nullptr || parent.final) fail(word_.target + ": does not exist", "unknown_key");
      container = const_cast<Node*>(parent.node);
    }
    const Node* present = child(*container, keys_.back());
    if (present != nullptr && present->is(Kind::null) && !word_.has_value && !language_.has_parts())
      fail(word_.target + ": is null, which ~" + word_.target + "=null removes", "unknown_key");
    if (present == nullptr || looked_up([&] { return seen(in, language_.has_parts()); }) == nullptr)
      fail_unknown(*container, keys_.size() - 1);
    if (word_.has_value && !word_.value.is(Kind::null)) {
      const Location there{present, way_to(*container), false, false};
      if (!names(in, word_.value, there))
        fail(word_.target + ": is " + brief(*in.follow(there).node) + " and not " + brief(word_.value) +
                 ", so it is not removed",
             "bad_value");
    }
    if (container->is(Kind::list))
      container->items().erase(container->items().begin() + (present - container->items().data()));
    else
      std::erase_if(container->entries(), [&](const Entry& entry) { return &entry.value == present; });
  }

  std::vector<Step> way_to(const Node& container) const {
    std::vector<Step> way;
    const Node* node = &root_;
    for (size_t i = 0; i < keys_.size() && node != nullptr && node != &container; ++i) {
      way.push_back(step(*node, keys_[i]));
      node = child(const_cast<Node&>(*node), keys_[i]);
    }
    way.push_back(step(container, keys_.back()));
    return way;
  }

  void change_list() {
    for (const Node& item : word_.edit->items) check(item);
    Node* container = reach_container();
    Node* list = child(*container, keys_.back());
    if (list == nullptr) fail_unknown(*container, keys_.size() - 1);
    merger_.way().push_back(step(*container, keys_.back()));
    if (list->is(Kind::string) && may_interpolate(list->string())) merger_.open(*list);
    if (!list->is(Kind::list))
      fail(word_.target + " = " + brief(*list) + ": only a list can be changed so", "bad_value");
    config::edit_list(*list, *word_.edit, word_.target, word_.place);
  }

  Node& root_;
  const Override& word_;
  Language language_;
  Merger merger_;
  std::vector<std::string> keys_;
};

}  // namespace

void apply_override(Node& root, const Override& word, Language language) {
  OverrideApplier(root, word, language).apply();
}

}  // namespace subband::config
