// One file taken apart: package header, defaults list, content.
#include <algorithm>

#include "core/config/interpolation.h"
#include "core/config/limits.h"
#include "core/config/override/value_parser.h"
#include "core/config/search_path.h"
#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

using Kind = Node::Kind;

[[noreturn]] void refuse_entry(const Place& place, const std::string& message, const char* kind = "syntax") {
  throw ConfigError(place.text(), message, kind);
}

// The words of a line `# @key value`, without `#`; empty for any other line.
std::vector<std::string> directive_words(std::string_view line) {
  std::string_view rest = trim(line);
  if (!rest.starts_with('#')) return {};
  rest = trim(rest.substr(1));
  if (!rest.starts_with('@')) return {};
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(rest) + " ") {
    if (c != ' ')
      word += c;
    else if (!word.empty())
      words.push_back(std::move(word)), word.clear();
  }
  return words;
}

// `# @package NAME` counts only in the leading run of `# @…` lines.
void read_header(InputConfig& config, std::string_view text, Warnings& warnings) {
  bool leading = true;
  int number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (trim(line).empty()) continue;
    if (!trim(line).starts_with('#')) return;
    const Place place{config.place.source, number, 1};
    const std::vector<std::string> words = directive_words(line);
    if (words.empty()) {
      leading = false;
      continue;
    }
    if (!leading) {
      if (words.front() == "@package")
        warnings.push_back(place.text() +
                           ": @package: has no effect below another comment; make it the first line");
      continue;
    }
    if (words.size() != 2)
      refuse_entry(place, "'" + join(words, " ") + "': expected one word after " + words.front());
    if (words.front() != "@package") continue;
    check_package(words[1], place, true);
    config.package = words[1];
  }
}

void split_package(DefaultEntry& entry) {
  const size_t at = entry.name.find('@');
  if (at == std::string::npos) return;
  entry.package = entry.name.substr(at + 1);
  entry.name.resize(at);
  check_package(*entry.package, entry.place, false);
}

std::string option_text(const Node& node, Choice& choice) {
  if (node.is(Kind::string)) return node.string();
  if (node.is(Kind::boolean) || node.is(Kind::integer) || node.is(Kind::number)) {
    choice.typed = true;
    return text_of(node);
  }
  refuse_entry(node.place, "expected the name of an option or a list of names, got " + brief(node),
               "bad_value");
}

Choice read_choice(const Node& node) {
  Choice choice;
  choice.place = node.place;
  choice.many = node.is(Kind::list);
  choice.nothing = node.is(Kind::null);
  if (choice.nothing) return choice;
  if (!choice.many) {
    choice.options.push_back(option_text(node, choice));
    return choice;
  }
  for (const Node& item : node.items()) {
    choice.options.push_back(option_text(item, choice));
    if (may_interpolate(choice.options.back()))
      refuse_entry(item.place, "an interpolation inside a list of options: not supported", "interpolation");
  }
  return choice;
}

void read_keywords(DefaultEntry& entry) {
  std::vector<std::string> words = split(trim(entry.name), ' ');
  std::erase(words, "");
  entry.name = words.empty() ? "" : words.back();
  if (!words.empty()) words.pop_back();
  for (const std::string& word : words) {
    if (word == "optional")
      entry.optional = true;
    else if (word == "override")
      entry.overrides = true;
    else {
      const std::vector<std::string> known = {"optional", "override"};
      refuse_entry(entry.place, word + ": unknown keyword" + suggestion(word, known), "unknown_option");
    }
  }
}

DefaultEntry read_entry(const Node& item) {
  DefaultEntry entry;
  entry.place = item.place;
  if (item.is(Kind::string)) {
    entry.name = item.string();
    if (entry.name == "_self_")
      entry.kind = DefaultEntry::Kind::self;
    else
      split_package(entry);
    if (entry.name == "_self_" && entry.package) refuse_entry(item.place, "_self_ takes no package");
  } else if (item.is(Kind::map)) {
    if (item.size() != 1)
      refuse_entry(item.place,
                   "an entry of a defaults list has one key, this has " + std::to_string(item.size()));
    const Entry& only = item.entries().front();
    entry.kind = DefaultEntry::Kind::group;
    entry.place = only.key_place;
    entry.name = only.key;
    split_package(entry);
    read_keywords(entry);
    entry.choice = read_choice(only.value);
    const std::string option = entry.choice.many || entry.choice.nothing ? "" : entry.choice.options.front();
    const size_t slash = option.rfind('/');
    if (slash != std::string::npos && slash > 0 && !entry.overrides &&
        !may_interpolate(option)) {  // `a: b/c` is `a/b: c`
      entry.name += "/" + option.substr(0, slash);
      entry.choice.options.front() = option.substr(slash + 1);
    }
  } else {
    refuse_entry(item.place,
                 "an entry of a defaults list is a config, 'group: option' or _self_, got " + brief(item));
  }
  const std::vector<std::string> parts = split(entry.name, '/');
  if (std::find(parts.begin(), parts.end(), "..") != parts.end())
    refuse_entry(entry.place,
                 entry.name + ": '..' is not supported; begin with / to name a group from the root");
  return entry;
}

void read_defaults(InputConfig& config) {
  const Node* list = config.content.find("defaults");
  if (list == nullptr) return;
  if (!list->is(Kind::list)) refuse_entry(list->place, "defaults: expected a list, got " + brief(*list));
  int selves = 0;
  for (const Node& item : list->items()) {
    config.defaults.push_back(read_entry(item));
    if (config.defaults.back().kind == DefaultEntry::Kind::self && ++selves == 2)
      refuse_entry(item.place, "_self_ stands twice in this defaults list");
  }
  config.content.erase("defaults");
  config.lacks_self = !config.defaults.empty() && selves == 0 && config.content.size() > 0;
}

}  // namespace

void check_package(const std::string& package, const Place& place, bool header) {
  if (std::count(package.begin(), package.end(), '.') >= static_cast<std::ptrdiff_t>(kMostLevels))
    refuse_entry(place, "a package of more than 200 parts");
  for (const std::string& part : split(package, '.')) {
    if (header && part.empty()) refuse_entry(place, "package '" + package + "': one of its parts is empty");
    const bool dead = (part.starts_with("_global_") && part != "_global_") || part == "_group_" ||
                      part == "_name_" || (part == "_here_" && package != "_here_");
    if (dead && !(header && part == "_here_"))
      refuse_entry(place, "package '" + package + "': the keywords are _here_ (alone) and _global_");
  }
}

InputConfig make_input_config(const std::string& path, Node content, std::string_view text,
                              Warnings& warnings) {
  InputConfig config;
  config.path = path;
  config.place = content.place;
  read_header(config, text, warnings);
  if (content.is(Kind::null)) {
    Node empty = Node::map();
    empty.place = content.place;
    content = std::move(empty);
  }
  if (!content.is(Kind::map) && !content.is(Kind::list))
    refuse_entry(content.place, "expected a map or a list, got the lone word " + brief(content), "bad_value");
  config.content = std::move(content);
  if (config.content.is(Kind::map)) read_defaults(config);
  check_interpolations(config.content);
  return config;
}

}  // namespace subband::config
