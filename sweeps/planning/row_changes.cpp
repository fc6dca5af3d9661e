#include "sweeps/planning/row_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace subband {

using config::Entry;
using config::Node;

namespace {

bool is_asked_for(const Node& value) {
  return value.place.source && value.place.source->starts_with("override ");
}

// Whether a file or a word gave it, or something below it.
bool is_given(const Node& value) {
  if (value.is(Node::Kind::map))
    return std::ranges::any_of(value.entries(), [](const Entry& entry) { return is_given(entry.value); });
  return value.place.source && *value.place.source != "default";
}

bool is_another_part(const Node& base, const Node& row) {
  const Node *before = base.find("type"), *after = row.find("type");
  return before != nullptr && after != nullptr && !(*before == *after);
}

void add_changes(const Node& base, const Node& row, const std::string& path,
                 std::vector<std::string>& changes) {
  if (!base.is(Node::Kind::map) || !row.is(Node::Kind::map)) {
    if (!(base == row) && !is_asked_for(row))
      changes.push_back(path + " " + config::brief(base) + "→" + config::brief(row));
    return;
  }
  const bool is_swapped = is_another_part(base, row);
  const std::string shown = is_swapped ? "" : path;
  const size_t before = changes.size();
  for (const Entry& entry : base.entries()) {
    const std::string below = shown.empty() ? entry.key : shown + "." + entry.key;
    if (const Node* other = row.find(entry.key)) {
      if (entry.key != "type") add_changes(entry.value, *other, below, changes);
    } else if (is_given(entry.value)) {
      changes.push_back("drops " + below +
                        (entry.value.is(Node::Kind::map) ? "" : "=" + config::brief(entry.value)));
    }
  }
  if (is_swapped && changes.size() > before)
    changes.back() += " (" + path + ".type=" + config::brief(*row.find("type")) + " keeps what both have)";
}

}  // namespace

std::vector<std::string> side_changes(const Node& base, const Node& row) {
  std::vector<std::string> changes;
  add_changes(base, row, "", changes);
  return changes;
}

std::string parameter_change(int64_t base, int64_t row) {
  if (base <= 0 || row <= 0) return "";
  const double change = static_cast<double>(row) / static_cast<double>(base) - 1;
  return std::abs(row - base) * 20 > base ? fmt::format("parameters {:+.1f} %", 100 * change) : "";
}

std::string row_remark(const std::vector<std::string>& changes, const std::string& parameters) {
  constexpr size_t kMost = 8;
  std::vector<std::string> words(
      changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(std::min(changes.size(), kMost)));
  if (changes.size() > kMost) words.push_back("and " + std::to_string(changes.size() - kMost) + " more");
  if (!parameters.empty()) words.push_back(parameters);
  return join(words, ", ");
}

}  // namespace subband
