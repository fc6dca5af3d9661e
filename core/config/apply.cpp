// Overrides of values.
#include <algorithm>

#include "core/config/interpolation.h"
#include "core/config/merge.h"
#include "core/config/merger.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

bool holds_others(const Node& node) { return node.is(Kind::map) || node.is(Kind::list); }

// Equality of a removal's condition: 1 is 1.0 and true, maps in any order.
bool means_same(const Node& a, const Node& b) {
  const auto number_like = [](const Node& node) {
    return node.is(Kind::integer) || node.is(Kind::number) || node.is(Kind::boolean);
  };
  const auto number = [](const Node& node) {
    return node.is(Kind::boolean) ? static_cast<double>(node.boolean()) : node.number();
  };
  if (number_like(a) && number_like(b)) return number(a) == number(b);
  if (a.kind() != b.kind() || a.size() != b.size()) return false;
  if (a.is(Kind::list)) return std::equal(a.items().begin(), a.items().end(), b.items().begin(), means_same);
  if (!a.is(Kind::map)) return a == b;
  return std::all_of(a.entries().begin(), a.entries().end(), [&](const Entry& entry) {
    return std::any_of(b.entries().begin(), b.entries().end(), [&](const Entry& other) {
      return entry.key == other.key && entry.key_kind == other.key_kind &&
             means_same(entry.value, other.value);
    });
  });
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
    if (word_.action == Override::Action::remove) return remove();
    if (word_.edit) return edit_list();
    if (word_.action == Override::Action::add && !holds_others(word_.value)) refuse_present();
    Node* container = reach_container();
    const std::string& last = keys_.back();
    Node* present = child(*container, last);
    if (present == nullptr) {
      if (container->is(Kind::list) || closed(word_, language_)) fail_unknown(*container, keys_.size() - 1);
      container->entries().push_back({last, Kind::string, word_.place, word_.value});
      return;
    }
    const bool joins = holds_others(word_.value) && (holds_others(*present) || language_ == Language::parts);
    merger_.way().push_back(step(*container, last));
    if (joins)
      merger_.replace(*present, word_.value);
    else
      *present = word_.value;
  }

 private:
  static bool closed(const Override& word, Language language) {
    return word.action == Override::Action::change && language == Language::hydra;
  }

  [[noreturn]] void fail(const std::string& message, const char* kind) const {
    throw ConfigError(word_.place.text(), message, kind);
  }

  std::string path_up_to(size_t last) const { return join(std::span(keys_).first(last + 1), "."); }

  [[noreturn]] void fail_unknown(const Node& container, size_t i) const {
    std::vector<std::string> known;
    if (container.is(Kind::list))
      fail(path_up_to(i) + ": the list has " + std::to_string(container.size()) + " items", "unknown_key");
    if (container.is(Kind::map))
      for (const Entry& entry : container.entries()) known.push_back(entry.key);
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
      if (!holds_others(*next) && language_ == Language::parts) merger_.open(*next);
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

  void refuse_present() const {
    Interpolator in(root_);
    if (const Node* present = seen(in, language_ == Language::parts))
      fail(word_.target + ": is there already, set by " + present->place.text() +
               "; drop the + to change it, or write ++ to set it in any case",
           "already_exists");
  }

  void remove() {
    Interpolator in(root_);
    const size_t dot = word_.target.rfind('.');
    const Location from{&word_.value, {{&root_, keys_.front(), 0}}, false, false};
    Node* container = &root_;
    if (dot != std::string::npos) {
      Location parent = in.select(word_.target.substr(0, dot), from);
      if (parent.node != nullptr) parent = in.follow(parent);
      if (parent.node == nullptr || parent.final) fail(word_.target + ": does not exist", "unknown_key");
      container = const_cast<Node*>(parent.node);
    }
    const Node* present = child(*container, keys_.back());
    if (present == nullptr || seen(in, language_ == Language::parts) == nullptr)
      fail_unknown(*container, keys_.size() - 1);
    if (word_.has_value && !word_.value.is(Kind::null)) {
      const Node value = in.resolve(Location{present, way_to(*container), false, false});
      if (!means_same(value, word_.value))
        fail(word_.target + ": is " + brief(value) + " and not " + brief(word_.value) +
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

  void edit_list() {
    Node* container = reach_container();
    Node* list = child(*container, keys_.back());
    if (list == nullptr) fail_unknown(*container, keys_.size() - 1);
    merger_.way().push_back(step(*container, keys_.back()));
    if (list->is(Kind::string) && may_interpolate(list->string())) merger_.open(*list);
    if (!list->is(Kind::list))
      fail(word_.target + " = " + brief(*list) + ": only a list can be changed so", "bad_value");
    auto& items = list->items();
    const ListEdit& edit = *word_.edit;
    if (edit.kind == ListEdit::Kind::remove) {
      for (const Node& gone : edit.items)
        if (std::erase_if(items, [&](const Node& item) { return means_same(item, gone); }) == 0)
          fail(word_.target + " = " + brief(*list) + ": has no item " + brief(gone), "bad_value");
    } else {
      const auto size = static_cast<int64_t>(items.size());
      const int64_t at = edit.kind == ListEdit::Kind::append ? size : edit.index;
      if (at < 0 || at > size)
        fail(word_.target + ": cannot insert at " + std::to_string(at) + " in a list of " +
                 std::to_string(size),
             "bad_value");
      items.insert(items.begin() + at, edit.items.begin(), edit.items.end());
    }
    list->place = word_.place;
  }

  Node& root_;
  const Override& word_;
  Language language_;
  Merger merger_;
  std::vector<std::string> keys_;
};

}  // namespace

void apply_override(Node& root, const Override& word, Language language) {
  check_interpolations(word.value);
  if (word.edit)
    for (const Node& item : word.edit->items) check_interpolations(item);
  OverrideApplier(root, word, language).apply();
}

}  // namespace subband::config
