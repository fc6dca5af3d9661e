#include "core/config/search_path.h"

#include <algorithm>
#include <set>

#include "core/config/interpolation.h"
#include "core/config/yaml/text.h"
#include "core/error.h"
#include "core/registry.h"
#include "core/text.h"

namespace subband::config {

namespace {

// The part of `path` below `group`, or nothing where it lies elsewhere.
std::optional<std::string> below_group(const std::string& group, const std::string& path) {
  if (group.empty()) return path;
  if (path == group) return "";
  if (path.starts_with(group + "/")) return path.substr(group.size() + 1);
  return std::nullopt;
}

bool is_clean_path(const std::string& path) {
  for (const std::string& part : split(path, '/'))
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos) return false;
  return path.size() < 1000;
}

}  // namespace

bool Choice::interpolates() const { return !many && !nothing && may_interpolate(options.front()); }

const InputConfig* SearchPath::read(const std::string& name, const std::filesystem::path& file,
                                    const Dialect& dialect) {
  const InputConfig* config = load(name, file, file.string(), dialect);
  if (!config->package) known_[name]->package = "_global_";
  return config;
}

const InputConfig* SearchPath::load(const std::string& name, const std::filesystem::path& file,
                                    const std::string& shown, const Dialect& dialect) {
  const std::string text = read_yaml_text(file, shown);
  const auto parse = global_group_.empty() ? parse_yaml : parse_labels;  // raw: Hydra's language alone
  Node content = dialect ? dialect(text, shown, warnings_) : parse(text, shown, &warnings_);
  auto config = std::make_unique<InputConfig>(
      make_input_config(name, std::move(content), dialect ? "" : text, warnings_));
  if (!global_group_.empty() && name.starts_with(global_group_ + "/") && !config->package)
    config->package = "_global_";
  return (known_[name] = std::move(config)).get();
}

const InputConfig* SearchPath::find(const std::string& path) {
  const auto known = known_.find(path);
  if (known != known_.end()) return known->second.get();
  const InputConfig* written = find_written(path);
  return written != nullptr ? written : make(path);
}

const InputConfig* SearchPath::make(const std::string& path) {
  const size_t slash = path.find('/');
  const auto made = made_.find(path.substr(0, slash));
  if (slash == std::string::npos || made == made_.end()) return (known_[path] = nullptr).get();
  std::optional<Node> content = made->second(path.substr(slash + 1), warnings_);
  if (!content) return (known_[path] = nullptr).get();
  InputConfig config{.path = path, .content = std::move(*content)};
  config.place = config.content.place;
  return (known_[path] = std::make_unique<InputConfig>(std::move(config))).get();
}

// A file of the folders, or a part of the registry.
const InputConfig* SearchPath::find_written(const std::string& path) {
  const std::string name = path.ends_with(".yaml") ? path.substr(0, path.size() - 5) : path;
  if (!is_clean_path(name)) return nullptr;
  for (const GroupFolder& source : folders_) {
    const auto rest = below_group(source.group, name);
    if (!rest || rest->empty()) continue;
    const std::filesystem::path file = source.folder / (*rest + ".yaml");
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) continue;
    return load(path, file, source.shown.empty() ? file.string() : source.shown + "/" + *rest + ".yaml");
  }
  const size_t slash = name.rfind('/');
  const subband::Kind* kind =
      registry_ != nullptr && slash != std::string::npos ? registry_->find(name.substr(0, slash)) : nullptr;
  if (kind == nullptr || kind->info(name.substr(slash + 1)) == nullptr) return nullptr;
  InputConfig part{.path = path, .content = Node::map()};
  part.place.source =
      std::make_shared<const std::string>("part " + kind->name() + " " + name.substr(slash + 1));
  Node type(name.substr(slash + 1));
  type.place = part.content.place = part.place;
  part.content.set("type", std::move(type));
  return (known_[path] = std::make_unique<InputConfig>(std::move(part))).get();
}

std::vector<std::filesystem::path> SearchPath::folders_of(const std::string& group) const {
  std::vector<std::filesystem::path> found;
  if (!group.empty() && !is_clean_path(group)) return found;
  for (const GroupFolder& source : folders_) {
    const auto rest = below_group(source.group, group);
    std::error_code ignored;
    if (rest && std::filesystem::is_directory(source.folder / *rest, ignored))
      found.push_back(source.folder / *rest);
  }
  return found;
}

std::string SearchPath::passed_over(const std::string& path) const {
  for (const GroupFolder& source : folders_) {
    const auto rest = below_group(source.group, path);
    std::error_code ignored;
    if (rest && is_clean_path(path) && std::filesystem::exists(source.folder / (*rest + ".yml"), ignored))
      return "; " + *rest + ".yml is not read: its name must end in .yaml";
  }
  return "";
}

bool SearchPath::has_group(const std::string& group) {
  const auto known = known_groups_.find(group);
  if (known != known_groups_.end()) return known->second;
  return known_groups_[group] =
             !folders_of(group).empty() || (registry_ != nullptr && registry_->find(group) != nullptr);
}

std::vector<std::string> SearchPath::options(const std::string& group) const {
  std::set<std::string> names;
  for (const auto& folder : folders_of(group))
    for (const auto& file : std::filesystem::directory_iterator(folder))
      if (file.path().extension() == ".yaml") names.insert(file.path().stem().string());
  if (registry_ != nullptr)
    if (const subband::Kind* kind = registry_->find(group))
      for (const std::string& name : kind->names()) names.insert(name);
  return {names.begin(), names.end()};
}

std::vector<std::string> SearchPath::all_options(const std::string& group) const {
  std::set<std::string> names;
  for (const auto& folder : folders_of(group))
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
      if (file.path().extension() == ".yaml")
        names.insert(std::filesystem::relative(file.path(), folder).replace_extension().generic_string());
  for (const std::string& name : options(group)) names.insert(name);
  return {names.begin(), names.end()};
}

std::string SearchPath::likely_options(const std::string& group, const std::string& written) const {
  constexpr size_t kFew = 8, kShown = 5;
  const std::vector<std::string> all = all_options(group);
  if (all.size() <= kFew || written.size() > 100) return suggestion(written, all);
  std::vector<std::pair<int64_t, std::string>> near;
  const int64_t most = 1 + static_cast<int64_t>(written.size()) / 3;
  for (const std::string& name : all) {
    int64_t distance = edit_distance(written, name);
    for (const std::string& part : split(name, '/'))
      distance = std::min(distance, edit_distance(written, part));
    if (distance <= most) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  std::erase_if(near, [least = near.empty() ? 0 : near.front().first](const auto& each) {
    return each.first > least + 1;
  });
  near.resize(std::min(near.size(), kShown));
  std::vector<std::string> shown;
  for (const auto& [distance, name] : near) shown.push_back(name);
  return (near.empty() ? "; there are " : "; did you mean " + join(shown, ", ") + "? There are ") +
         std::to_string(all.size()) + " in " + sources(group);
}

std::string SearchPath::sources(const std::string& group) const {
  std::vector<std::string> names;
  for (const GroupFolder& source : folders_)
    if (group.empty() || source.group == group)
      names.push_back(source.shown.empty() ? source.folder.string() : source.shown);
  return join(names, ", ");
}

}  // namespace subband::config
