// The arguments of one function call of the override grammar. Internal to core/config.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/config/override/value_parser.h"
#include "core/error.h"

namespace subband::config {

// One call: its arguments are taken by position or name, then none may be left.
class Call {
 public:
  Call(const std::string& name, std::vector<Argument> arguments, const Place& place)
      : name_(name), arguments_(std::move(arguments)), place_(place) {}

  [[noreturn]] void fail(const std::string& rule) const {
    throw ConfigError(place_.text(), name_ + ": " + rule, "bad_value");
  }

  size_t count() const { return arguments_.size(); }

  // The next positional argument, or the one of that name.
  std::optional<Value> take(std::string_view name) {
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (!arguments_[i].name.empty() && arguments_[i].name != name) continue;
      Value value = std::move(arguments_[i].value);
      arguments_.erase(arguments_.begin() + static_cast<std::ptrdiff_t>(i));
      return value;
    }
    return std::nullopt;
  }
  std::optional<Value> take_named(std::string_view name) {
    for (size_t i = 0; i < arguments_.size(); ++i)
      if (arguments_[i].name == name) {
        Value value = std::move(arguments_[i].value);
        arguments_.erase(arguments_.begin() + static_cast<std::ptrdiff_t>(i));
        return value;
      }
    return std::nullopt;
  }
  Value need(std::string_view name) {
    auto value = take(name);
    if (!value) fail("argument '" + std::string(name) + "' is missing");
    return std::move(*value);
  }
  std::vector<Value> rest() {
    std::vector<Value> values;
    while (!arguments_.empty() && arguments_.front().name.empty()) {
      values.push_back(std::move(arguments_.front().value));
      arguments_.erase(arguments_.begin());
    }
    return values;
  }
  void done() const {
    if (arguments_.empty()) return;
    fail(arguments_.front().name.empty() ? "too many arguments"
                                         : "unknown argument '" + arguments_.front().name + "'");
  }
  const Place& place() const { return place_; }
  Node placed(Node node) const {
    node.place = place_;
    return node;
  }

 private:
  std::string name_;
  std::vector<Argument> arguments_;
  const Place& place_;
};

/// `int`, `float`, `str` or `bool` of whatever the arguments are: a scalar, a list, a map, a sweep.
Value cast_value(Call& call, const std::string& type);
/// A scalar as a number. Fails as `float(...)` does.
Node cast_to_number(const Call& call, const Node& node);

}  // namespace subband::config
