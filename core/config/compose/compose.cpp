#include "core/config/compose.h"

#include <algorithm>

#include "core/config/compose/defaults.h"
#include "core/config/interpolation.h"
#include "core/config/limits.h"
#include "core/config/merge.h"
#include "core/config/override.h"
#include "core/config/override/value_parser.h"
#include "core/config/yaml/text.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

// A word for a group, or for a value; in recipes a group that no defaults list has becomes a value.
struct ValueWord {
  const Override* word = nullptr;
  bool option = false;  ///< the value at that package is to be replaced by an option's content
};

Node at_package(const std::string& package, Node content) {
  if (package.empty()) return content;
  const std::vector<std::string> keys = split(package, '.');
  const Place place = content.place;
  if (keys.size() > kMostLevels)
    throw ConfigError(place.text(), "lands in a package of more than 200 parts", "bad_value");
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    Node outer = Node::map();
    outer.place = place;
    outer.set(*key, std::move(content));
    content = std::move(outer);
  }
  return content;
}

class Composer {
 public:
  Composer(const ComposeRequest& request, SearchPath& search)
      : request_(request),
        language_(request.raw ? Language::hydra() : Language::parts(request.registry)),
        search_(search) {}

  Composition compose() {
    words_ = parse_overrides(request_.overrides);
    for (const Override& word : words_) refuse_sweep(word);
    for (const Override& word : words_) sort_out(word);
    warn_of_repetition();
    DefaultsList list = build_defaults(search_, find_primary(), std::nullopt, groups_);
    choices_ = list.choices;
    if (request_.raw)
      refuse_unused();
    else
      refuse_contradictions();
    Composition composition;
    composition.unresolved = lay(list);
    for (const ValueWord& value : values_) apply(composition.unresolved, value);
    if (!problems_.empty()) throw ConfigError(problems_);
    composition.choices = std::move(choices_);
    composition.warnings = search_.warnings();
    for (const Warnings& more : {list.warnings, warnings_})
      composition.warnings.insert(composition.warnings.end(), more.begin(), more.end());
    return composition;
  }

 private:
  [[noreturn]] static void fail(const Override& word, const std::string& message, const char* kind) {
    throw ConfigError(word.place.text(), message, kind);
  }

  static void refuse_sweep(const Override& word) {
    if (!word.sweep) return;
    const std::string key = word.key();
    const std::string& text = word.value_text;
    std::string fixes = "'subband sweep' runs each of its values";
    if (word.sweep->simple)
      fixes += "; one list is " + key + "=[" + text + "], one text is " + key + "='" + text + "'";
    fail(word, key + ": several values for one run; " + fixes, "ambiguous");
  }

  // The same key set twice: legal, and seldom meant.
  void warn_of_repetition() {
    std::map<std::string, const Override*> seen;
    for (const Override& word : words_) {
      if (word.edit || word.action == Override::Action::remove) continue;
      const auto [earlier, added] = seen.emplace(word.key(), &word);
      if (!added)
        warnings_.push_back(word.place.text() + ": " + word.key() + ": " + earlier->second->place.text() +
                            " set it too; the last wins");
      earlier->second = &word;
    }
  }

  void sort_out(const Override& word) {
    const bool is_group = search_.has_group(word.target);
    if (!is_group || word.value.is(Kind::map) || word.edit) return values_.push_back({&word, false});
    if (word.action == Override::Action::force)
      fail(word, word.key() + ": ++ is not for groups; write + to add the group, or nothing to change it",
           "bad_value");
    if (word.action == Override::Action::remove) return sort_out_deletion(word);
    if (word.action == Override::Action::add) {
      if (word.target.empty() && word.value.is(Kind::list))
        fail(word, "the name of the group before '=' is missing", "bad_value");
      if (word.package) check_package(*word.package, word.place, false);
      const bool in_folder = request_.raw && !word.target.empty();  // looked for from the primary's folder
      groups_.appended.push_back({.kind = DefaultEntry::Kind::group,
                                  .name = in_folder ? word.target : "/" + word.target,
                                  .package = word.package,
                                  .choice = read_choice(word),
                                  .appended = true,
                                  .place = word.place});
      return;
    }
    GroupWords::Selection selection{.choice = {.place = word.place}, .word = word.text};
    try {
      selection.choice = read_choice(word);
    } catch (const ConfigError& error) {
      selection.problems = error.problems();
    }
    groups_.selections[word.key()] = std::move(selection);
    values_.push_back({&word, true});
  }

  void sort_out_deletion(const Override& word) {
    if (word.has_value && !word.value.is(Kind::string) && !word.value.is(Kind::null))
      fail(word, word.key() + " = " + word.value_text + ": expected the name of the option to remove",
           "bad_value");
    GroupWords::Deletion deletion{.option = {}, .word = word.text, .place = word.place};
    if (word.value.is(Kind::string) && word.has_value) deletion.option = word.value.string();
    groups_.deletions[word.key()] = std::move(deletion);
    values_.push_back({&word, false});
  }

  static Choice read_choice(const Override& word) {
    Choice choice;
    choice.place = word.place;
    const auto add = [&](const Node& node, const std::string& text) {
      if (node.is(Kind::list) || node.is(Kind::map) || node.is(Kind::null))
        fail(word, word.key() + ": expected names of options, got " + brief(node), "bad_value");
      choice.typed = choice.typed || !node.is(Kind::string);
      choice.options.push_back(node.is(Kind::string) ? node.string() : text);
      if (choice.many && may_interpolate(choice.options.back()))
        fail(word, word.key() + ": an interpolation inside a list of options: not supported",
             "interpolation");
    };
    choice.many = word.value.is(Kind::list);
    choice.nothing = word.value.is(Kind::null);
    if (choice.many)
      for (const Node& item : word.value.items()) add(item, text_of(item));
    else if (!choice.nothing)
      add(word.value, word.value_text);
    return choice;
  }

  // The primary's name on the search path.
  std::string find_primary() {
    if (request_.raw) return request_.primary;
    const std::string named = request_.group + "/" + request_.primary;
    if (search_.find(named) != nullptr) return named;
    if (request_.primary.ends_with(".yaml")) {
      search_.read("primary", request_.primary);
      return "primary";
    }
    for (const auto& [extension, dialect] : request_.dialects) {
      if (!request_.primary.ends_with(extension)) continue;
      search_.read("primary", request_.primary, dialect);
      return "primary";
    }
    const bool is_yml = request_.primary.ends_with(".yml");
    const bool lies_there = !search_.passed_over(named.substr(0, named.size() - 4)).empty();
    if (is_yml && (lies_there || std::filesystem::exists(request_.primary)))
      throw ConfigError("", request_.primary + ": is not read: its name must end in .yaml", "unknown_option");
    throw ConfigError("",
                      request_.primary + ": no such " + request_.group + search_.passed_over(named) +
                          search_.likely_options(request_.group, request_.primary) + "; a path ends in .yaml",
                      "unknown_option");
  }

  // In Hydra the removal wins, and what the other word chooses is dropped without a word.
  void refuse_contradictions() const {
    for (const Override& word : words_) {
      const auto deletion = groups_.deletions.find(word.key());
      const bool chooses = word.action != Override::Action::remove && !word.value.is(Kind::map) && !word.edit;
      if (!chooses || deletion == groups_.deletions.end() || !deletion->second.used) continue;
      fail(word,
           word.key() + ": " + deletion->second.place.text() + " removes what this word chooses; drop one",
           "ambiguous");
    }
  }

  void refuse_unused() {
    for (const auto& [key, deletion] : groups_.deletions) {
      if (deletion.used) continue;
      const auto chosen = choices_.find(key);
      std::string message = key + ": the option is " + (chosen != choices_.end() ? chosen->second : "") +
                            " and not " + deletion.option.value_or("") + ", so it is not removed";
      if (chosen == choices_.end() || !deletion.option) {
        message =
            deletion.word.substr(1) + ": nothing in the defaults lists has this key" + known_keys(key, "");
      }
      throw ConfigError(deletion.place.text(), message, "missing_group_override");
    }
    for (const auto& [key, selection] : groups_.selections) {
      if (selection.used) continue;
      if (key.empty())
        throw ConfigError(
            selection.choice.place.text(), "the key before '=' is missing",
            selection.choice.typed && !selection.choice.many ? "bad_value" : "missing_group_override");
      if (selection.choice.typed && !selection.choice.many)
        throw ConfigError(selection.choice.place.text(),
                          selection.word + ": '" + key + "' is a group: expected the name of an option",
                          "bad_value");
      throw ConfigError(selection.choice.place.text(),
                        key + ": nothing in the defaults lists has this key" +
                            known_keys(key, "write +" + selection.word + " to add it"),
                        "missing_group_override");
    }
  }

  std::string known_keys(const std::string& key, const std::string& advice) const {
    std::vector<std::string> same_group, all;
    const std::string group = key.substr(0, key.find('@'));
    for (const auto& [other, option] : choices_) {
      all.push_back(other);
      if (other.substr(0, other.find('@')) == group) same_group.push_back(other);
    }
    if (!same_group.empty())
      return "; did you mean " + join(same_group, " or ") + "?" + (advice.empty() ? "" : " " + advice);
    return suggestion(key, all) + (advice.empty() ? "" : "; " + advice);
  }

  Node lay(const DefaultsList& list) {
    problems_.insert(problems_.end(), list.problems.begin(), list.problems.end());
    size_t values = 0;
    Node root = Node::map();
    if (!list.configs.empty()) root.place = list.configs.front().config->place;
    for (const PlacedConfig& placed : list.configs) {
      Node content = at_package(placed.package, placed.config->content);
      if (!content.is(Kind::map))
        throw ConfigError(content.place.text(), "a list cannot be the whole config; give it a package",
                          "bad_value");
      values += count_nodes(content);
      const Place place = content.place;
      values += merge(root, std::move(content), language_);
      if (values > kMostValues)
        throw ConfigError(place.text(), "the configs bring more than 100,000 values together", "bad_value");
    }
    return root;
  }

  void refuse_package(const Override& word) const {
    if (!word.package) return;
    if (!search_.has_group(word.target))
      fail(word, "'" + word.target + "' is no group, so it takes no package; searched: " + search_.sources(),
           "missing_group_override");
    if (word.value.is(Kind::map))
      fail(word,
           word.key() + " = " + word.value_text + ": expected the name of an option; a map takes no package",
           "missing_group_override");
  }

  void apply(Node& root, const ValueWord& value) {
    const Override& word = *value.word;
    refuse_package(word);
    if (!value.option) {
      const auto deletion = groups_.deletions.find(word.key());
      const bool done = word.action == Override::Action::remove && deletion != groups_.deletions.end() &&
                        deletion->second.used;
      if (!done) apply_override(root, word, language_);
      return;
    }
    if (groups_.selections[word.key()].used) return;
    put_option(root, word);
  }

  // `net=decoder_lm` where no defaults list has the group: the option's content replaces what is there.
  void put_option(Node& root, const Override& word) {
    const Choice choice = read_choice(word);
    if (choice.nothing || choice.many || choice.typed || choice.interpolates())
      return apply_override(root, word, language_);
    std::string package = word.package.value_or(word.target);
    std::replace(package.begin(), package.end(), '/', '.');
    const std::string path = word.target + "/" + choice.options.front();
    if (search_.find(path) == nullptr)
      fail(word,
           word.key() + " = " + choice.options.front() + ": no such " + word.target +
               suggestion(choice.options.front(), search_.options(word.target)),
           "unknown_option");
    GroupWords none;
    Node content = lay(build_defaults(search_, path, "_global_", none));
    Override change = word;
    change.target = package;
    change.package.reset();
    change.value = Node("");
    change.value.place = word.place;
    apply_override(root, change, language_);
    if (content.is(Kind::map) && content.size() == 1 && content.entries().front().key == "type")
      content.entries().front().value.place = word.place;
    content.place = word.place;
    *const_cast<Node*>(root.at(package)) = std::move(content);
  }

  const ComposeRequest& request_;
  Language language_;
  SearchPath& search_;
  std::vector<Override> words_;
  std::vector<ValueWord> values_;
  GroupWords groups_;
  std::map<std::string, std::string> choices_;
  std::vector<Problem> problems_;
  Warnings warnings_;
};

}  // namespace

SearchPath search_path_of(const ComposeRequest& request) {
  SearchPath search(request.folders, request.registry, request.raw ? "" : request.group);
  if (!request.raw) search.make_options(request.made_options);
  return search;
}

Composition compose_unresolved(const ComposeRequest& request) {
  SearchPath search = search_path_of(request);
  Composition composition = Composer(request, search).compose();
  composition.config = composition.unresolved;
  return composition;
}

Composition compose(const ComposeRequest& request, SearchPath& search) {
  Composition composition = Composer(request, search).compose();
  composition.config = Interpolator(composition.unresolved).resolve();
  return composition;
}

Composition compose(const ComposeRequest& request) {
  SearchPath search = search_path_of(request);
  return compose(request, search);
}

std::vector<GroupFolder> standard_folders(const std::filesystem::path& root,
                                          const std::vector<std::pair<std::string, std::string>>& groups,
                                          const std::vector<std::filesystem::path>& extra) {
  std::vector<GroupFolder> folders;
  for (const auto& [group, folder] : groups) folders.push_back({group, root / folder, folder});
  for (const auto& folder : extra) folders.push_back({"", folder});
  return folders;
}

static void append_origins(std::string& out, const Node& node, const std::string& path) {
  if (node.size() > 0) {
    for (size_t i = 0; i < node.size(); ++i) {
      const bool map = node.is(Kind::map);
      const std::string key = map ? node.entries()[i].key : std::to_string(i);
      append_origins(out, map ? node.entries()[i].value : node.items()[i],
                     path.empty() ? key : path + "." + key);
    }
    return;
  }
  const std::string place = node.place.text();
  out += path + " = " + brief(node) + (place.empty() ? "" : "    # " + place) + "\n";
}

std::string origins_text(const Node& config) {
  std::string out;
  append_origins(out, config, "");
  return out;
}

}  // namespace subband::config
