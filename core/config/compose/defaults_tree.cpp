#include "core/config/compose/defaults_tree.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace subband::config {

namespace {

std::string without_slash(const std::string& path) { return path.starts_with('/') ? path.substr(1) : path; }

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string joined(const std::string& base, const std::string& rest, const char* separator) {
  if (base.empty() || rest.empty()) return base + rest;
  return base + separator + rest;
}

std::string dotted(std::string path) {
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

}  // namespace

std::string DefaultsNode::group_path() const {
  const bool absolute = entry.name.starts_with('/');
  const std::string own = without_slash(is_group() ? entry.name : folder_of(entry.name));
  return absolute ? own : joined(base, own, "/");
}

std::string DefaultsNode::config_path() const {
  if (is_group()) return group_path() + "/" + entry.choice.options.front();
  return entry.name.starts_with('/') ? entry.name.substr(1) : joined(base, entry.name, "/");
}

std::string DefaultsNode::package(bool with_header) const {
  std::string own;
  if (entry.package)
    own = *entry.package == "_here_" ? "" : *entry.package;
  else if (with_header && header)
    own = *header;
  else
    own = dotted(without_slash(is_group() ? entry.name : folder_of(entry.name)));
  const std::string whole = joined(base_package, own, ".");
  constexpr std::string_view kGlobal = "_global_";
  const size_t global = whole.rfind(kGlobal);
  if (global == std::string::npos) return whole;
  std::string rest = whole.substr(global + kGlobal.size());
  return rest.substr(std::min(rest.find_first_not_of('.'), rest.size()));
}

std::string DefaultsNode::key() const {
  const std::string group = group_path();
  const std::string lands = package(false);
  if (lands == dotted(group)) return group;
  return group + "@" + (lands.empty() ? "_global_" : lands);
}

std::optional<std::string> fill_in_choices(const std::string& text,
                                           const std::map<std::string, std::string>& choices,
                                           const Place& place, std::string& unknown) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "${") != 0) {
      out += text[i++];
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string::npos)
      throw ConfigError(place.text(), text + ": '${' has no end: expected '}'", "syntax");
    const std::string name(trim(std::string_view(text).substr(i + 2, end - i - 2)));
    if (name.find(':') != std::string::npos)
      throw ConfigError(place.text(),
                        text + ": a defaults list knows the choices of groups only, no resolvers",
                        "interpolation");
    const auto choice = choices.find(name);
    if (choice == choices.end()) {
      unknown = name;
      return std::nullopt;
    }
    if (choice->second == "null")
      throw ConfigError(place.text(), text + ": nothing is chosen for group '" + name + "'", "interpolation");
    out += choice->second;
    i = end + 1;
  }
  return out;
}

}  // namespace subband::config
