// Reads one string with interpolations: checks it, or looks its pieces up. Internal to core/config.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/config/interpolation.h"

namespace subband::config {

class TextReader {
 public:
  /// `in` nullptr: only the syntax is checked.
  TextReader(std::string_view text, const Place& place, Interpolator* in, const Location& from)
      : text_(text), place_(place), in_(in), from_(from), depth_(in != nullptr ? in->depth_ : own_) {}
  TextReader(const TextReader&) = delete;
  TextReader& operator=(const TextReader&) = delete;

  /// The whole text: the named location when it is exactly one interpolation, else the text put together.
  Location whole();
  /// The whole text as one element of the value grammar.
  Node element();

 private:
  Location interpolation();
  Location call(const std::string& name);
  std::string path(bool& is_name);
  std::string key(bool& computed);
  std::pair<Node, size_t> nested(size_t begin);
  Location known(Node value, bool opaque);
  [[noreturn]] void fail(const std::string& message) const;
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool at_interpolation() const { return text_.substr(at_).starts_with("${"); }
  void skip_spaces();

  std::string_view text_;
  const Place& place_;
  Interpolator* in_;
  const Location& from_;
  size_t at_ = 0;
  bool looks_inside_ =
      true;    ///< not for a resolver that does not exist: it is the mistake, not what a map holds
  Depth own_;  ///< where only the syntax is checked
  Depth& depth_;
};

}  // namespace subband::config
