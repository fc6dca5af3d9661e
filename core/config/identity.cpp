#include "core/config/identity.h"

#include <algorithm>
#include <set>

#include "core/text.h"

namespace subband {

using config::Node;

namespace {

Node* child_of(Node& parent, const std::string& key) {
  if (parent.is(Node::Kind::map)) return parent.find(key);
  const auto index = parent.is(Node::Kind::list) ? parse_integer(key) : std::nullopt;
  const bool is_inside = index && *index >= 0 && *index < static_cast<int64_t>(parent.size());
  return is_inside ? &parent.items()[static_cast<size_t>(*index)] : nullptr;
}

// The node under `path` and its parent; null where it is not there.
struct Found {
  Node* parent = nullptr;
  Node* node = nullptr;
  std::string key;
};

Found found_at(Node& tree, const std::string& path) {
  Found found{.node = &tree};
  for (size_t from = 0; from <= path.size() && found.node != nullptr;) {
    const size_t dot = std::min(path.find('.', from), path.size());
    found.parent = found.node;
    found.key = path.substr(from, dot - from);
    found.node = child_of(*found.parent, found.key);
    from = dot + 1;
  }
  return found;
}

// A part without fields is told by its name alone.
bool is_as_it_came(const Node& now, const Node& came_as) {
  if (!came_as.is(Node::Kind::string) || !now.is(Node::Kind::map)) return now == came_as;
  const Node* type = now.find("type");
  return now.size() == 1 && type != nullptr && *type == came_as;
}

void erase_at(Node& tree, const std::string& path) {
  const Found found = found_at(tree, path);
  if (found.node != nullptr && found.parent->is(Node::Kind::map)) found.parent->erase(found.key);
}

bool is_inside(const std::string& path, const std::string& outer) {
  return path == outer || path.starts_with(outer + ".");
}

}  // namespace

HashedSpec hashed_spec(const Node& resolved, const BindSession& session) {
  HashedSpec spec{.values = resolved};
  std::set<std::string> left_out, cosmetic;
  for (const std::string& path : session.cosmetic_paths) {
    erase_at(spec.values, path);
    cosmetic.insert(path);
  }
  for (const LaterField& field : session.later_fields) {
    const Found found = found_at(spec.values, field.path);
    if (found.node == nullptr || !is_as_it_came(*found.node, field.came_as)) continue;
    erase_at(spec.values, field.path);
    left_out.insert(field.path);
  }
  for (const PartUse& use : session.parts) {
    const auto is_in = [&](const std::set<std::string>& paths) {
      return std::ranges::any_of(paths, [&](const std::string& path) { return is_inside(use.path, path); });
    };
    if (!is_in(cosmetic) && (!is_in(left_out) || use.version > 1)) spec.parts[use.name] = use.version;
  }
  return spec;
}

std::map<std::string, int> used_parts(const BindSession& session) {
  std::map<std::string, int> parts;
  for (const PartUse& use : session.parts) parts[use.name] = use.version;
  return parts;
}

}  // namespace subband
