#include "core/config/compose/list_edit.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

constexpr std::pair<const char*, ListEdit::Kind> kEdits[] = {{"_remove_", ListEdit::Kind::remove},
                                                             {"_prepend_", ListEdit::Kind::prepend},
                                                             {"_insert_", ListEdit::Kind::insert},
                                                             {"_append_", ListEdit::Kind::append}};

[[noreturn]] void refuse_edit(const Place& place, const std::string& message) {
  throw ConfigError(place.text(), message, "bad_value");
}

void insert_each(Node& list, const Node& inserted, const std::string& path) {
  if (!inserted.is(Kind::map))
    refuse_edit(inserted.place, path + "._insert_: expected a map from index to item");
  for (const Entry& entry : inserted.entries()) {
    const auto index = entry.key_kind == Kind::integer ? parse_integer(entry.key) : std::nullopt;
    if (!index) refuse_edit(entry.key_place, path + "._insert_: '" + entry.key + "' is no index");
    edit_list(list, {.kind = ListEdit::Kind::insert, .index = *index, .items = {entry.value}}, path,
              entry.key_place);
  }
}

}  // namespace

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

void edit_list(Node& list, const ListEdit& edit, const std::string& path, const Place& place) {
  auto& items = list.items();
  if (edit.kind == ListEdit::Kind::remove) {
    for (const Node& gone : edit.items)
      if (std::erase_if(items, [&](const Node& item) { return means_same(item, gone); }) == 0)
        refuse_edit(place, path + " = " + brief(list) + ": has no item " + brief(gone));
  } else {
    const auto size = static_cast<int64_t>(items.size());
    const int64_t at = edit.kind == ListEdit::Kind::append    ? size
                       : edit.kind == ListEdit::Kind::prepend ? 0
                                                              : edit.index;
    if (at < 0 || at > size)
      refuse_edit(
          place, path + ": cannot insert at " + std::to_string(at) + " in a list of " + std::to_string(size));
    items.insert(items.begin() + at, edit.items.begin(), edit.items.end());
  }
  list.place = place;
}

bool is_list_edit(const Node& map) {
  return map.is(Kind::map) && map.size() > 0 &&
         std::all_of(map.entries().begin(), map.entries().end(), [](const Entry& entry) {
           return std::any_of(std::begin(kEdits), std::end(kEdits),
                              [&](const auto& edit) { return entry.key == edit.first; });
         });
}

void edit_list(Node& list, const Node& edits, const std::string& path) {
  for (const auto& [key, kind] : kEdits) {
    const Node* items = edits.find(key);
    if (items == nullptr) continue;
    if (kind == ListEdit::Kind::insert) {
      insert_each(list, *items, path);
      continue;
    }
    if (!items->is(Kind::list))
      refuse_edit(items->place, path + "." + key + " = " + brief(*items) + ": expected a list of items");
    edit_list(list, {.kind = kind, .items = items->items()}, path, items->place);
  }
}

}  // namespace subband::config
