// Changes of a list that is there: by an override, `key=append(a)`, or by a map of edits in a file,
//   log: {_remove_: [slow], _prepend_: [first], _insert_: {2: third}, _append_: [last]}
// which are carried out in this order. Ours, not Hydra's. Internal to core/config.
#pragma once
#include <string>

#include "core/config/node.h"
#include "core/config/override.h"

namespace subband::config {

/// `path` names the list in messages, `place` is who changes it. ConfigError (`bad_value`) for an item or a place
/// that the list does not have.
void edit_list(Node& list, const ListEdit& edit, const std::string& path, const Place& place);

/// Whether the map is one of edits: it has keys, and each is `_append_`, `_prepend_`, `_insert_` or `_remove_`.
bool is_list_edit(const Node& map);
/// Carries out a map of edits. ConfigError (`bad_value`) for edits that are no lists, or an index that is none.
void edit_list(Node& list, const Node& edits, const std::string& path);

/// Equality as a removal means it: 1 is 1.0 and true, maps in any order.
bool means_same(const Node& a, const Node& b);

}  // namespace subband::config
