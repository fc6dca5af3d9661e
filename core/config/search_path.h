// Where input configs come from: folders of YAML files, and the registry, whose every part NAME of kind K is the
// option NAME of group K. The first source that has a config wins.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "core/config/yaml.h"

namespace subband {
class Registry;
}

namespace subband::config {

/// What an entry of a defaults list, or a word of the command line, chooses for a group.
struct Choice {
  std::vector<std::string> options;  ///< one; any number where `many`; none where `nothing`
  bool many = false;                 ///< written as a list
  bool nothing = false;              ///< null
  bool typed = false;                ///< written as a number or boolean: legal only as the name of an option
  Place place;
  bool is_missing() const { return !many && !nothing && options.front() == "???"; }
  bool interpolates() const;
};

/// One entry of a defaults list.
struct DefaultEntry {
  enum class Kind { self, config, group };
  Kind kind = Kind::config;
  std::string name;  ///< a group, or a config's path; a leading `/` makes it absolute
  std::optional<std::string> package;
  Choice choice;  ///< of a group
  bool optional = false;
  bool overrides = false;
  bool appended = false;  ///< by `+group=option`
  Place place;
};

/// One file (or registered part), its defaults list apart.
struct InputConfig {
  std::string path;  ///< `group/option`
  Node content;
  std::vector<DefaultEntry> defaults;
  std::optional<std::string> package;  ///< of its header
  Place place;                         ///< of its first line
  bool lacks_self = false;  ///< has own values and a defaults list that does not say where they stand
};

/// Splits a parsed file into its parts. `text` is searched for the package header.
/// ConfigError: `syntax` or `bad_value`.
InputConfig make_input_config(const std::string& path, Node content, std::string_view text,
                              Warnings& warnings);

/// Checks a package of a defaults entry or header. ConfigError (`syntax`) for `_group_`, `_name_`, `_here_.x`.
void check_package(const std::string& package, const Place& place, bool header);

/// A folder whose files are the options of a group (`net` of models/nets); group "" for a whole tree of groups.
struct GroupFolder {
  std::string group;
  std::filesystem::path folder;
  std::string shown = {};  ///< how messages name the folder; empty: as it is
};

/// Reads a file of another format than YAML: its text, and what messages call it, to a config.
using Dialect = std::function<Node(const std::string& text, const std::string& source, Warnings& warnings)>;

/// Makes the config of an option that no file and no part is, from its name (`data=/texts/own.txt`); nothing where the name
/// is no such option. What a person should know of it goes to `warnings`. ConfigError for a name that is nearly one.
using MadeOption = std::function<std::optional<Node>(const std::string& option, Warnings& warnings)>;

class SearchPath {
 public:
  /// Configs of `global_group` land at the root where no header says otherwise; so do those of read().
  explicit SearchPath(std::vector<GroupFolder> folders, const Registry* registry = nullptr,
                      std::string global_group = "")
      : folders_(std::move(folders)), registry_(registry), global_group_(std::move(global_group)) {}

  /// Options of these groups may be made besides.
  void make_options(std::map<std::string, MadeOption> made) { made_ = std::move(made); }

  /// The config at `group/option`, read once; nullptr where there is none.
  const InputConfig* find(const std::string& path);
  /// A file that need not lie on the path, known from now on as `name`; in YAML, or in `dialect`.
  /// Error where it cannot be read.
  const InputConfig* read(const std::string& name, const std::filesystem::path& file,
                          const Dialect& dialect = {});
  bool has_group(const std::string& group);
  /// For messages: that a file of another ending lies where `path` was looked for; or nothing.
  std::string passed_over(const std::string& path) const;
  std::vector<std::string> options(const std::string& group) const;  ///< sorted
  /// Every config of a group and the groups below it: `tinyshakespeare/wavelet`.
  std::vector<std::string> all_options(const std::string& group) const;
  /// For messages: the few of all_options that share a folder or a name with what was written, or nearly; and how
  /// many there are, and where.
  std::string likely_options(const std::string& group, const std::string& written) const;
  const Warnings& warnings() const { return warnings_; }
  /// For messages: the folders; those of one group alone where it is named.
  std::string sources(const std::string& group = "") const;

 private:
  const InputConfig* load(const std::string& name, const std::filesystem::path& file,
                          const std::string& shown, const Dialect& dialect = {});
  const InputConfig* find_written(const std::string& path);
  const InputConfig* make(const std::string& path);
  std::vector<std::filesystem::path> folders_of(const std::string& group) const;

  std::vector<GroupFolder> folders_;
  const Registry* registry_;
  std::map<std::string, MadeOption> made_;
  std::string global_group_;
  std::map<std::string, std::unique_ptr<InputConfig>> known_;
  std::map<std::string, bool> known_groups_;
  Warnings warnings_;
};

}  // namespace subband::config
