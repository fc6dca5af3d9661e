#include "runs/record/config_file.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "core/text.h"
#include "runs/record/record_writer.h"

namespace subband {

using config::Entry;
using config::Node;

namespace {

// Whether every YAML reader takes the bare word for the same string.
bool is_plain_word(const std::string& text) {
  static constexpr const char* kMeanings[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.front())) == 0) return false;
  std::string lower = text;
  for (char& letter : lower) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (std::ranges::find(kMeanings, lower) != std::end(kMeanings)) return false;
  return std::ranges::all_of(text, [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '/' ||
           letter == '.' || letter == '-';
  });
}

std::string flow(const Node& node);

std::string word(const std::string& text) { return is_plain_word(text) ? text : config::to_json(Node(text)); }

std::string key_text(const Entry& entry) {
  return entry.key_kind == Node::Kind::string ? word(entry.key) : entry.key;
}

// A value on one line.
std::string flow(const Node& node) {
  if (node.is(Node::Kind::string)) return word(node.string());
  if (node.is(Node::Kind::number)) return number_text(node.number());
  std::vector<std::string> inner;
  if (node.is(Node::Kind::list)) {
    for (const Node& item : node.items()) inner.push_back(flow(item));
    return "[" + join(inner, ", ") + "]";
  }
  if (!node.is(Node::Kind::map)) return config::to_json(node);
  for (const Entry& entry : node.entries()) inner.push_back(key_text(entry) + ": " + flow(entry.value));
  return "{" + join(inner, ", ") + "}";
}

using OriginLines = std::vector<std::pair<std::string, std::string>>;  // text, origin

void add_lines(OriginLines& lines, const Node& node, const std::string& indent) {
  for (const Entry& entry : node.entries()) {
    const std::string key = indent + key_text(entry) + ":";
    if (entry.value.is(Node::Kind::map) && entry.value.size() > 0) {
      lines.emplace_back(key, "");
      add_lines(lines, entry.value, indent + "  ");
    } else {
      const std::string origin = entry.value.place.text();
      lines.emplace_back(key + " " + flow(entry.value), origin.empty() ? "default" : origin);
    }
  }
}

}  // namespace

std::string yaml_with_origins(const Node& node) {
  if (!node.is(Node::Kind::map) || node.size() == 0) return flow(node) + "\n";
  OriginLines lines;
  add_lines(lines, node, "");
  size_t width = 0;
  for (const auto& [text, origin] : lines) width = std::max(width, std::min<size_t>(text.size(), 40));
  std::string out;
  for (const auto& [text, origin] : lines) {
    out += text;
    if (!origin.empty())
      out += std::string(width > text.size() ? width - text.size() : 0, ' ') + "  # " + origin;
    out += '\n';
  }
  return out;
}

std::string config_file_text(const RunStart& start, const Node& resolved) {
  return "# " + start.recipe + ", seed " + std::to_string(start.seed) + "\n# identity " + start.id + "\n" +
         yaml_with_origins(resolved);
}

}  // namespace subband
