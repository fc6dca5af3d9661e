#include "experiments/interchange/huggingface/reader.h"

#include <algorithm>
#include <cmath>

#include "core/json.h"

namespace subband::huggingface {


Json JsonReader::take(std::string_view key) {
  read_.emplace(key);
  const auto found = json_.find(std::string(key));
  return found == json_.end() ? Json() : *found;
}

bool JsonReader::has(std::string_view key) const {
  const auto found = json_.find(std::string(key));
  return found != json_.end() && !found->is_null();
}

void JsonReader::complain(std::string_view key, const std::string& rule) {
  const auto found = json_.find(std::string(key));
  std::string message = path_ + std::string(key);
  if (found != json_.end()) message += " = " + json_brief(*found);
  problems_.push_back({file_, message + ": " + rule, "bad_value"});
}

bool JsonReader::flag(std::string_view key, bool standard) {
  const Json value = take(key);
  if (value.is_null()) return standard;
  if (!value.is_boolean()) complain(key, "expected true or false");
  return value.is_boolean() ? value.get<bool>() : standard;
}

double JsonReader::number(std::string_view key, double standard) {
  const Json value = take(key);
  if (value.is_null()) return standard;
  if (value.is_number() && std::isfinite(value.get<double>())) return value.get<double>();
  complain(key, "expected a finite number");
  return standard;
}

int64_t JsonReader::count(std::string_view key) {
  if (has(key)) return count(key, 1);
  take(key);
  complain(key, "must be given");
  return 1;
}

int64_t JsonReader::count(std::string_view key, int64_t standard) {
  const Json value = take(key);
  if (value.is_null()) return standard;
  if (value.is_number_integer() && value.get<int64_t>() > 0) return value.get<int64_t>();
  complain(key, "expected a whole number above 0");
  return standard;
}

std::string JsonReader::text(std::string_view key, const std::string& standard) {
  const Json value = take(key);
  if (value.is_null()) return standard;
  if (!value.is_string()) complain(key, "expected text");
  return value.is_string() ? value.get<std::string>() : standard;
}

std::vector<std::string> JsonReader::unread(const std::vector<std::string>& known_harmless) const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json_.items()) {
    if (!read_.contains(key) && std::ranges::find(known_harmless, key) == known_harmless.end())
      keys.push_back(key);
  }
  return keys;
}

}  // namespace subband::huggingface
