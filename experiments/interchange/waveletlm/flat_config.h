// A flat config while it is being converted: what it says, and the recipe that grows from it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"
#include "core/config/yaml.h"
#include "core/error.h"

namespace subband::waveletlm {

class FlatConfig;
struct NewerFeature;

/// What a key's value must be; `list` may be null.
enum class FlatType { boolean, integer, number, text, list };

/// One key of the original.
struct FlatKey {
  const char* key;
  FlatType type;
  const char*
      standard;      ///< the original's default, as JSON; null: required; "": none, read only where written
  const char* ours;  ///< path in a recipe; "" where there is nothing to set
  void (*convert)(FlatConfig&,
                  const config::Node& value) = nullptr;  ///< null: the value goes to `ours` as it is
  const char* remark = nullptr;                          ///< said where the key is written
};

/// The table.
const std::vector<FlatKey>& flat_keys();

class FlatConfig {
 public:
  /// Checks keys and types; complaints are collected.
  FlatConfig(const config::Node& root, config::Warnings& warnings);

  /// The written value, else the original's default.
  const config::Node& value(std::string_view key) const;
  bool is_on(std::string_view key) const { return value(key).boolean(); }
  int64_t count(std::string_view key) const { return value(key).integer(); }
  const std::string& text(std::string_view key) const { return value(key).string(); }
  bool is_written(std::string_view key) const;

  /// Sets a value of the recipe; with several cells `net.…` is what each cell is.
  void put(const std::string& path, const config::Node& value);
  /// A word or number that `from` decides, so it has the place of `from`.
  void put(const std::string& path, config::Node value, const config::Node& from);
  void put_net(const std::string& field, const config::Node& value);  ///< of the net around the cells
  void remark(std::string_view key, const std::string& what);
  void complain(std::string_view key, const std::string& rule);

  /// The recipe. ConfigError with every complaint.
  config::Node finish();

 private:
  struct Reading {
    const FlatKey* row;
    config::Node value;
    bool written = false;
  };
  const Reading& find(std::string_view key) const;
  void read(const config::Node& root);
  void read_newer(const NewerFeature& feature, const config::Entry& entry, const config::Node& root);
  void read_unknown(const config::Entry& entry);
  void check_type(Reading& reading);

  std::vector<Reading> readings_;  // in the order of the table
  config::Node recipe_ = config::Node::map();
  config::Warnings& warnings_;
  std::vector<Problem> problems_;
};

}  // namespace subband::waveletlm
