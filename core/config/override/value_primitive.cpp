// The words of the value grammar: quoted text, unquoted runs, the interpolations in them.
#include <algorithm>

#include "core/config/override/value_characters.h"
#include "core/config/override/value_parser.h"
#include "core/config/scalar.h"

namespace subband::config {

// A run of backslashes inside quotes; true when the quote after it ends the text.
bool ValueParser::quoted_backslashes(std::string& out, char quote) {
  size_t run = 0;
  while (at_ < text_.size() && text_[at_] == '\\') ++at_, ++run;
  if (!at_end() && here() == quote) {  // each pair is one backslash; an odd one escapes the quote
    out.append(run / 2, '\\');
    if (run % 2 == 1) out += quote;
    ++at_;
    return run % 2 == 0;
  }
  if (interpolation_ && at_interpolation()) {
    out.append(run / 2, '\\');
    if (run % 2 == 1) out += "${", at_ += 2;
    return false;
  }
  out.append(run, '\\');
  return false;
}

Value ValueParser::quoted() {
  const char quote = here();
  const size_t begin = at_++;
  std::string out;
  std::optional<Node> ignored;
  for (bool open = true; open;) {
    if (at_end()) at_ = begin, fail("a quote that is not closed");
    if (here() == '\\')
      open = !quoted_backslashes(out, quote);
    else if (here() == quote)
      ++at_, open = false;
    else if (interpolation_ && at_interpolation())
      append_interpolation(out, ignored);
    else
      out += text_[at_++];
  }
  Value value;
  value.quoted = value.closed = true;
  value.node = placed(Node(std::move(out)));
  return value;
}

void ValueParser::append_interpolation(std::string& out, std::optional<Node>& alone) {
  if (interpolation_) {
    auto [node, end] = interpolation_(text_, at_);
    at_ = end;
    out += text_of(node);
    alone = std::move(node);
    return;
  }
  const size_t end = text_.find('}', at_ + 2);
  if (end == std::string_view::npos || end == at_ + 2) fail("'${' needs a path and '}'");
  out += text_.substr(at_, end + 1 - at_);
  at_ = end + 1;
}

Value ValueParser::primitive() {
  std::string out;
  size_t kept = 0;
  int pieces = 0, interpolations = 0;
  bool escaped = false;
  std::optional<Node> alone;
  while (!at_end() && std::string_view(",]})").find(here()) == std::string_view::npos) {
    if (at_interpolation()) {
      append_interpolation(out, alone);
      ++interpolations;
      kept = out.size();
      continue;
    }
    if (here() == '\\' && at_ + 1 < text_.size() && can_be_escaped(text_[at_ + 1])) {
      out += text_[at_ + 1];
      at_ += 2;
      escaped = true;
      kept = out.size();
      continue;
    }
    if (!is_unquoted(here())) fail(shown_here() + " must be quoted or escaped");
    if (here() == ':') {  // the spaces behind a colon are part of it (OverrideLexer.g4, VALUE_COLON)
      do out += text_[at_++];
      while (is_blank(here()));
      ++pieces, kept = out.size();
      continue;
    }
    if (!is_blank(here())) ++pieces, kept = out.size() + 1;
    out += text_[at_++];
  }
  if (kept == 0 && interpolations == 0) fail("a value is missing");
  out.resize(std::max(kept, size_t{0}));
  Value value;
  if (alone && interpolations == 1 && pieces == 0 && !escaped)
    value.node = std::move(*alone);
  else
    value.node = escaped || interpolations > 0 ? placed(Node(std::move(out))) : plain_scalar(out, place_);
  return value;
}

}  // namespace subband::config
