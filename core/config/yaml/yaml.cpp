#include "core/config/yaml.h"

#include <yaml-cpp/exceptions.h>

#include <algorithm>

#include "core/config/limits.h"
#include "core/config/yaml/checks.h"
#include "core/config/yaml/text.h"
#include "core/config/yaml/tree.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace subband::config {

// yaml-cpp's words for what is malformed, in ours: what is wrong there, and what to do.
static std::string complaint_about(const std::string& message, std::string_view text, size_t offset) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"illegal map value", "a ':' cannot stand here: quote text that holds one, or mind the indentation"},
      {"illegal map key", "'?' cannot start a word: quote it"},
      {"illegal block entry", "'- ' cannot stand here: quote it, or begin the list on a line of its own"},
      {"illegal flow end", "this closes no bracket or brace"},
      {"illegal tab when looking for indentation", "a tab cannot indent: use spaces"},
      {"end of map not found", "this belongs to nothing above it: mind the indentation"},
      {"end of sequence not found", "this belongs to nothing above it: mind the indentation"},
      {"end of sequence flow not found",
       "a list in brackets needs ',' or ']' here; quote ${...} inside brackets"},
      {"end of map flow not found", "a map in braces needs ',' or '}' here; quote ${...} inside braces"},
      {"the referenced anchor is not defined", "this alias names no anchor above it"}};
  if (message == "unknown token" && offset < text.size())
    return std::string("'") + text[offset] + "' cannot start a word: quote it";
  for (const auto& [theirs, ours] : kWords)
    if (message.starts_with(theirs)) return ours;  // version 0.8 adds the name
  std::string lower = message;
  if (!lower.empty() && lower.front() >= 'A' && lower.front() <= 'Z')
    lower.front() = static_cast<char>(lower.front() - 'A' + 'a');
  return lower;
}

[[noreturn]] static void refuse_size(const std::string& source, size_t bytes) {
  throw ConfigError(source, "a file of " + bytes_text(static_cast<double>(bytes)) + ": at most 2 MiB",
                    "syntax");
}

static Node parse(std::string_view text, const std::string& source, Warnings* warnings, bool labels) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > kMostFileBytes) refuse_size(source, text.size());
  if (text.find('\r') != std::string_view::npos) return parse(with_line_feeds(text), source, warnings, labels);
  check_yaml_text(text, source);
  try {
    return yaml_tree(text, source, warnings, labels);
  } catch (const YAML::Exception& wrong) {
    const Place place{std::make_shared<const std::string>(source), wrong.mark.line + 1,
                      wrong.mark.column + 1};
    const auto offset = static_cast<size_t>(std::max(wrong.mark.pos, 0));
    const size_t begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;  // 0 where there is none
    const std::string_view line = text.substr(begin, text.find('\n', offset) - begin);
    if (trim(line) == "?") refuse_yaml(place, "null cannot be a key; quote it", "bad_value");
    refuse_yaml(place, complaint_about(wrong.msg, text, offset));
  }
}

Node parse_yaml(std::string_view text, const std::string& source, Warnings* warnings) {
  return parse(text, source, warnings, /*labels=*/false);
}

Node parse_labels(std::string_view text, const std::string& source, Warnings* warnings) {
  return parse(text, source, warnings, /*labels=*/true);
}

std::string read_yaml_text(const std::filesystem::path& path, const std::string& shown) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  if (!unknown && size > kMostFileBytes) refuse_size(shown, size);
  return read_file(path);
}

Node read_yaml(const std::filesystem::path& path, Warnings* warnings) {
  return parse_labels(read_yaml_text(path, path.string()), path.string(), warnings);
}

}  // namespace subband::config
