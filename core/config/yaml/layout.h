// Where the words of a YAML text stand, as far as yaml-cpp does not mind and YAML does. Internal to core/config.
#pragma once
#include <yaml-cpp/mark.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/yaml/frame.h"

namespace subband::config {

class YamlLayout {
 public:
  YamlLayout(std::string_view text, const std::string& source);

  Place place(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  /// Where the word stands at which yaml-cpp's mark points, past its anchor and tag.
  size_t word_at(const YAML::Mark& mark) const;

  /// Whether the word there has no quotes and is no block scalar.
  bool is_plain_at(const YAML::Mark& mark) const;

  /// A scalar stands here, perhaps a key. `word`: its text when it is plain, else empty.
  void see_scalar(std::vector<YamlFrame>& frames, const YAML::Mark& mark, std::string_view word) const;
  /// A null stands here, written or not. ConfigError where a key, a value or an item is missing.
  void see_null(std::vector<YamlFrame>& frames, const YAML::Mark& mark) const;
  /// ConfigError where a value on a later line than its key does not stand further right.
  void see_value(const std::vector<YamlFrame>& frames, const YAML::Mark& mark, bool is_block_list) const;

 private:
  size_t offset(const YAML::Mark& mark) const;

  std::shared_ptr<const std::string> source_;
  std::string_view text_;
};

}  // namespace subband::config
