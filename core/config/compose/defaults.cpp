#include "core/config/compose/defaults.h"

#include <algorithm>
#include <set>

#include "core/config/compose/defaults_tree.h"
#include "core/config/interpolation.h"
#include "core/config/limits.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

constexpr size_t kDeepestInclusion = 60;

class DefaultsBuilder {
 public:
  DefaultsBuilder(SearchPath& search, GroupWords& words) : search_(search), words_(words) {}

  DefaultsList build(const std::string& primary, const std::optional<std::string>& package) {
    DefaultsNode root;
    root.entry.name = "/" + primary;
    root.entry.package = package;
    root_ = &root;
    expand(root, false);
    settle_interpolated();
    refuse_unused_overrides();
    collect(root);
    return std::move(list_);
  }

 private:
  struct OverrideEntry {
    Choice choice;
    bool used = false;
    std::string group;
  };

  [[noreturn]] static void fail(const Place& place, const std::string& message, const char* kind) {
    throw ConfigError(place.text(), message, kind);
  }

  void expand(DefaultsNode& node, bool interpolated) {
    count(node.entry, 1);
    if (node.is_group() && !choose(node)) return;
    const std::string path = node.config_path();
    node.config = search_.find(path);
    if (node.config == nullptr) {
      node.gone = true;
      if (!node.entry.optional) refuse_absent(node, path);
      return;
    }
    const auto& header = node.config->package;
    if (header)
      node.header =
          *header == "_global_" || header->starts_with("_global_.") ? *header : "_global_." + *header;
    enter(node, path);
    expand_children(node, interpolated);
    chain_.pop_back();
  }

  // A list that names two lists that each name two lists ... is short, and has no end.
  void count(const DefaultEntry& entry, size_t entries) {
    entries_ += entries;
    if (entries_ > kMostDefaults)
      fail(entry.place,
           "the defaults lists come to more than 2,000 entries, each counted as often as it is read",
           "bad_value");
  }

  // The choice of a group entry: deleted, null and missing ones end here.
  bool choose(DefaultsNode& node) {
    const std::string key = node.key();
    const Choice& choice = node.entry.choice;
    const std::string option = choice.nothing ? "null" : choice.options.front();
    const auto deletion = words_.deletions.find(key);
    if (deletion != words_.deletions.end() &&
        (!deletion->second.option || *deletion->second.option == option)) {
      deletion->second.used = node.gone = true;
      return false;
    }
    const auto [known, added] = list_.choices.emplace(key, option);
    if (!added && known->second != option)
      fail(node.entry.place,
           key + ": has two values, " + option + " and then " + known->second +
               "; to change a choice write 'override " + key + ": " + known->second + "'",
           "already_exists");  // entries are expanded last first
    keys_of_group_[node.group_path()].insert(key);
    if (choice.nothing)
      node.gone = true;
    else if (choice.is_missing())
      fail(node.entry.place,
           key + ": needs a choice; known: " + join(search_.options(node.group_path()), ", "),
           "missing_value");
    return !choice.nothing;
  }

  void refuse_absent(const DefaultsNode& node, const std::string& path) const {
    const Place& place = node.is_group() ? node.entry.choice.place : node.entry.place;
    if (&node == root_)
      fail(place,
           path + ": no such config; searched: " + search_.sources() +
               suggestion(path.substr(path.rfind('/') + 1), search_.options(node.group_path())),
           "unknown_option");
    const std::string group = node.group_path();
    const std::string option = path.substr(path.rfind('/') + 1);
    if (node.entry.choice.typed)
      fail(place,
           group + " = " + option + ": expected the name of an option" +
               suggestion(option, search_.options(group)),
           "bad_value");
    if (!group.empty() && !search_.has_group(group))
      fail(place, path + ": no such group '" + group + "'; searched: " + search_.sources(), "unknown_option");
    fail(place,
         (group.empty() ? "" : group + " = ") + option + ": no such config" +
             suggestion(option, search_.options(group)) + search_.passed_over(path),
         "unknown_option");
  }

  void enter(const DefaultsNode& node, const std::string& path) {
    const std::string link = path + "@" + node.package(true);
    const bool again = std::find(chain_.begin(), chain_.end(), link) != chain_.end();
    chain_.push_back(link);
    if (!again && chain_.size() <= kDeepestInclusion) return;
    std::string text;
    for (size_t i = chain_.size() > 8 && !again ? chain_.size() - 8 : 0; i < chain_.size(); ++i)
      text += (text.empty() ? "" : " -> ") + chain_[i].substr(0, chain_[i].rfind('@'));
    fail(node.entry.place, "a cycle of defaults lists: " + text, "cycle");
  }

  void expand_children(DefaultsNode& node, bool interpolated) {
    if (!node.config->defaults.empty()) count(node.config->defaults.front(), node.config->defaults.size());
    std::vector<DefaultEntry> entries = node.config->defaults;
    const bool is_root = &node == root_;
    const bool lists = !entries.empty() || (is_root && !words_.appended.empty());
    if (node.config->lacks_self)
      list_.problems.push_back({node.config->defaults.front().place.text(),
                                "defaults: this file has values of its own too; add _self_ to say whether "
                                "they come before or after",
                                "ambiguous"});
    const auto is_self = [](const DefaultEntry& entry) { return entry.kind == DefaultEntry::Kind::self; };
    if (lists && std::none_of(entries.begin(), entries.end(), is_self)) {
      entries.push_back({.kind = DefaultEntry::Kind::self, .place = node.config->place});
      entries.back().name = "_self_";
    }
    if (is_root) entries.insert(entries.end(), words_.appended.begin(), words_.appended.end());
    std::vector<std::unique_ptr<DefaultsNode>> children;
    for (DefaultEntry& entry : entries) {
      auto child = std::make_unique<DefaultsNode>();
      child->entry = std::move(entry);
      child->base = node.group_path();
      child->base_package = node.package(true);
      children.push_back(std::move(child));
    }
    note_overrides(children, interpolated);
    // Last first: an `override` in a later entry must be known before what it overrides is expanded.
    std::vector<std::unique_ptr<DefaultsNode>> kept;
    for (auto child = children.rbegin(); child != children.rend(); ++child)
      if (!(*child)->entry.overrides) expand_child(std::move(*child), kept, interpolated);
    std::reverse(kept.begin(), kept.end());
    node.children = std::move(kept);
  }

  void note_overrides(const std::vector<std::unique_ptr<DefaultsNode>>& children, bool interpolated) {
    const DefaultsNode* seen = nullptr;
    for (const auto& child : children) {
      if (child->entry.kind == DefaultEntry::Kind::self || child->entry.appended) continue;
      if (seen != nullptr && !child->entry.overrides)
        fail(child->entry.place,
             "an ordinary entry after 'override " + seen->entry.name + "': overrides come last", "syntax");
      if (!child->entry.overrides) continue;
      seen = child.get();
      if (interpolated)
        fail(child->entry.place, "an override below an interpolated entry: not supported", "interpolation");
    }
    std::map<std::string, Place> here;
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
      const DefaultEntry& entry = (*child)->entry;
      if (!entry.overrides) continue;
      const std::string key = (*child)->key();
      const auto [last, first_seen] = here.emplace(key, entry.place);
      if (!first_seen)
        list_.warnings.push_back(entry.place.text() + ": override " + key + ": " + last->second.text() +
                                 " overrides it too; the last wins");
      overrides_.emplace(key, OverrideEntry{entry.choice, false, (*child)->group_path()});
    }
  }

  void expand_child(std::unique_ptr<DefaultsNode> child, std::vector<std::unique_ptr<DefaultsNode>>& kept,
                    bool interpolated) {
    DefaultEntry& entry = child->entry;
    if (entry.kind == DefaultEntry::Kind::self) return kept.push_back(std::move(child));
    if (child->is_group()) take_selection(*child);
    if (child->is_group() && entry.choice.many) {
      for (auto option = entry.choice.options.rbegin(); option != entry.choice.options.rend(); ++option) {
        auto one = std::make_unique<DefaultsNode>();
        one->entry = {.kind = DefaultEntry::Kind::config,
                      .name = entry.name + "/" + *option,
                      .package = entry.package,
                      .optional = entry.optional,
                      .place = entry.choice.place};
        one->base = child->base;
        one->base_package = child->base_package;
        expand(*one, interpolated);
        kept.push_back(std::move(one));
      }
      return;
    }
    const bool waits = child->is_group() ? entry.choice.interpolates() : may_interpolate(entry.name);
    if (waits)
      waiting_.push_back({child.get(), chain_});
    else
      expand(*child, interpolated);
    kept.push_back(std::move(child));
  }

  void take_selection(DefaultsNode& node) {
    const std::string key = node.key();
    const auto selection = words_.selections.find(key);
    if (selection != words_.selections.end()) {
      if (!selection->second.problems.empty()) throw ConfigError(selection->second.problems);
      selection->second.used = true;
      node.entry.choice = selection->second.choice;
    }
    const auto entry = overrides_.find(key);
    if (entry == overrides_.end()) return;
    entry->second.used = true;
    if (selection == words_.selections.end()) node.entry.choice = entry->second.choice;
  }

  // Entries like `tuned: ${model}_${data}` once all other choices are made; one may wait for another.
  void settle_interpolated() {
    std::string unknown;
    while (!waiting_.empty()) {
      const size_t before = waiting_.size();
      std::vector<Waiting> round;
      round.swap(waiting_);
      size_t settled = 0;
      for (Waiting& each : round) {
        DefaultEntry& entry = each.node->entry;
        std::string& text = each.node->is_group() ? entry.choice.options.front() : entry.name;
        const auto deletion =
            each.node->is_group() ? words_.deletions.find(each.node->key()) : words_.deletions.end();
        const bool deleted = deletion != words_.deletions.end() && !deletion->second.option;
        const auto filled = deleted ? text : fill_in_choices(text, list_.choices, entry.place, unknown);
        if (!filled) {
          waiting_.push_back(std::move(each));
          continue;
        }
        text = *filled;
        chain_ = each.chain;
        expand(*each.node, true);
        ++settled;
      }
      if (settled > 0 || waiting_.size() < before) continue;
      const DefaultEntry& entry = waiting_.front().node->entry;
      std::vector<std::string> known;
      for (const auto& [key, option] : list_.choices) known.push_back(key);
      fail(entry.place, "'" + unknown + "' is no group of this defaults list" + suggestion(unknown, known),
           "interpolation");
    }
  }

  void refuse_unused_overrides() const {
    for (const auto& [key, entry] : overrides_) {
      if (entry.used) continue;
      const auto same_group = keys_of_group_.find(entry.group);
      const bool elsewhere = same_group != keys_of_group_.end();
      std::vector<std::string> keys;
      if (elsewhere) keys.assign(same_group->second.begin(), same_group->second.end());
      fail(entry.choice.place,
           "override " + key + ": nothing earlier in the defaults lists has this key" +
               (elsewhere ? "; did you mean " + join(keys, " or ") + "?" : ""),
           "missing_group_override");
    }
  }

  void collect(const DefaultsNode& node) {
    if (node.gone) return;
    if (node.children.empty()) {
      if (node.is_group() && !emitted_.insert(node.key()).second)
        fail(node.entry.place, node.key() + ": stands twice in the final defaults list", "already_exists");
      list_.configs.push_back({node.config, node.package(true)});
      return;
    }
    for (const auto& child : node.children) {
      if (child->entry.kind == DefaultEntry::Kind::self)
        list_.configs.push_back({node.config, node.package(true)});
      else
        collect(*child);
    }
  }

  struct Waiting {
    DefaultsNode* node;
    std::vector<std::string> chain;
  };

  SearchPath& search_;
  GroupWords& words_;
  DefaultsNode* root_ = nullptr;
  DefaultsList list_;
  std::map<std::string, OverrideEntry> overrides_;
  std::map<std::string, std::set<std::string>> keys_of_group_;
  std::set<std::string> emitted_;
  std::vector<std::string> chain_;
  std::vector<Waiting> waiting_;
  size_t entries_ = 0;  ///< read so far
};

}  // namespace

DefaultsList build_defaults(SearchPath& search, const std::string& primary,
                            const std::optional<std::string>& package, GroupWords& words) {
  DefaultsBuilder builder(search, words);
  DefaultsList list = builder.build(primary, package);
  return list;
}

}  // namespace subband::config
