// Typed reading of a `config.json`: every complaint is collected, every key that nobody asked for is known.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace subband::huggingface {

class JsonReader {
 public:
  /// `path`: stands before the keys in messages, `rope_parameters.`
  JsonReader(const nlohmann::ordered_json& json, std::string file, std::vector<Problem>& problems,
             std::string path = "")
      : json_(json), file_(std::move(file)), problems_(problems), path_(std::move(path)) {}

  bool has(std::string_view key) const;  ///< written, and not null
  bool flag(std::string_view key, bool standard);
  double number(std::string_view key, double standard);  ///< finite
  int64_t count(std::string_view key);                   ///< above 0; missing is an error
  int64_t count(std::string_view key, int64_t standard);
  std::string text(std::string_view key, const std::string& standard);
  /// The value under a key, null where it is not written; the key counts as read.
  nlohmann::ordered_json take(std::string_view key);

  void complain(std::string_view key, const std::string& rule);  ///< with the value where one is written
  /// Keys that nobody asked for and `known_harmless` does not hold.
  std::vector<std::string> unread(const std::vector<std::string>& known_harmless) const;

 private:
  const nlohmann::ordered_json& json_;
  std::string file_;
  std::vector<Problem>& problems_;
  std::string path_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace subband::huggingface
