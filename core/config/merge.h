// Laying one tree over another. Maps join key by key; lists and scalars replace; `???` never overwrites; a map
// over a list, or the reverse, is an error, but for a map of edits over a list (list_edit.h); a map over `${other}`
// that names a map is laid over a copy of it.
#pragma once
#include <string_view>

#include "core/config/node.h"
#include "core/config/override.h"

namespace subband {
class Registry;
}

namespace subband::config {

/// Which tree is composed: any tree exactly as in Hydra, or one whose maps may be parts.
/// Parts: a plain name under a map is its `type`, and a map of another `type` replaces the whole part. A map that
/// names no type has that of its label, where a part is named so: `{mlp: {expansion: 4}}`.
class Language {
 public:
  static Language hydra() { return {false, nullptr}; }
  static Language parts(const Registry* registry) { return {true, registry}; }
  bool has_parts() const { return has_parts_; }
  bool names_part(std::string_view label) const;  ///< of any kind

 private:
  Language(bool has_parts, const Registry* registry) : has_parts_(has_parts), registry_(registry) {}
  bool has_parts_;
  const Registry* registry_;
};

/// Lays `over` on `root`, both maps. Returns how many values of `root` were copied for it, where maps came over
/// references. ConfigError (`bad_value`) for a map against a list, or too large a map.
size_t merge(Node& root, Node over, Language language);

/// Changes `root` as one override says. `hydra`: the tree is closed, so `a.b=c` needs a key that is there.
/// `parts`: `a.b=c` sets or adds, and turns a plain name on its way into `{type: name}`.
/// ConfigError: `unknown_key`, `already_exists`, `bad_value`, and those of an interpolation on the way.
void apply_override(Node& root, const Override& word, Language language);

/// The value under a text key, or nullptr; keys of other types are not found by name.
Node* find_text_key(Node& map, std::string_view key);

}  // namespace subband::config
