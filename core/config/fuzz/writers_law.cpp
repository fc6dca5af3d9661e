// What holds of any name in any language that we write. The readers here know what the writers may write, and no more.
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/config/fuzz/laws.h"
#include "core/config/interpolation.h"
#include "core/config/override.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/json.h"
#include "core/languages/csv.h"
#include "core/languages/gnuplot.h"
#include "core/languages/html.h"
#include "core/languages/json.h"
#include "core/languages/latex.h"
#include "core/languages/letters.h"
#include "core/languages/markdown.h"
#include "core/languages/terminal.h"
#include "core/testing/read_latex.h"
#include "core/text.h"

namespace subband::fuzz {

namespace {

bool is_layout(char32_t code) { return code == '\n' || code == '\r' || code == '\t'; }

// The name as a page holds it: escapes for what no page can hold.
std::string held(std::string_view name) {
  return rewritten(name, [](std::string& out, const Letter& letter, std::string_view bytes) {
    out += letter.is_printed || is_layout(letter.code) ? std::string(bytes) : escape_of(letter);
  });
}

// `&#10;` at the front of a text, or one of the three words; how many bytes it takes.
std::optional<std::pair<std::string, size_t>> entity(std::string_view text) {
  for (const auto& [word, letter] : {std::pair("&amp;", '&'), std::pair("&lt;", '<'), std::pair("&gt;", '>')})
    if (text.starts_with(word)) return std::pair(std::string(1, letter), std::string_view(word).size());
  const size_t end = text.find(';');
  if (!text.starts_with("&#") || end == std::string_view::npos) return {};
  const auto code = parse_integer(std::string(text.substr(2, end - 2)));
  if (!code || *code < 1 || *code > 127) return {};
  return std::pair(std::string(1, static_cast<char>(*code)), end + 1);
}

std::string read_html(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (std::string_view("<>\"'\n\r\t").find(text[0]) != std::string_view::npos) return "raw letter";
    const auto found =
        text[0] == '&' ? entity(text) : std::optional(std::pair(std::string(1, text[0]), size_t{1}));
    if (!found) return "raw &";
    out += found->first;
    text.remove_prefix(found->second);
  }
  return out;
}

std::string read_markdown(std::string_view text) {
  const auto is_word = [&](size_t i) {
    return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
  };
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\\') {
      if (at + 1 == text.size() || std::ispunct(static_cast<unsigned char>(text[at + 1])) == 0)
        return "bare backslash";
      out += text[at + 1];
      at += 2;
    } else if (text[at] == '&') {
      const auto found = entity(text.substr(at));
      if (!found) return "raw &";
      out += found->first;
      at += found->second;
    } else {
      const bool is_underscore_of_a_word = text[at] == '_' && at > 0 && is_word(at - 1) && is_word(at + 1);
      if (!is_underscore_of_a_word &&
          std::string_view("`*_{}[]<>#|~^$\n\r").find(text[at]) != std::string_view::npos)
        return "raw letter";
      out += text[at++];
    }
  }
  return out;
}

// One line of RFC 4180.
std::optional<std::vector<std::string>> read_csv(std::string_view line) {
  std::vector<std::string> cells = {""};
  for (size_t at = 0; at < line.size();) {
    const bool is_quoted = line[at] == '"';
    at += is_quoted;
    while (at < line.size()) {
      if (is_quoted && line[at] == '"' && (at + 1 == line.size() || line[at + 1] != '"')) break;
      if (!is_quoted && line[at] == ',') break;
      if (!is_quoted && std::string_view("\"\n\r").find(line[at]) != std::string_view::npos) return {};
      cells.back() += line[at];
      at += is_quoted && line[at] == '"' ? 2 : 1;
    }
    if (is_quoted && at++ == line.size()) return {};
    if (at == line.size()) break;
    if (line[at++] != ',') return {};
    cells.emplace_back();
    if (at == line.size()) break;
  }
  return cells;
}

std::string read_gnuplot(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return "no string";
  std::string out;
  for (size_t at = 1; at + 1 < text.size();) {
    if (text[at] == '\\') {
      int code = 0;
      for (size_t digit = at + 1; digit < at + 4; ++digit) {
        if (digit + 1 >= text.size() || text[digit] < '0' || text[digit] > '7') return "no number";
        code = 8 * code + (text[digit] - '0');
      }
      out += static_cast<char>(code);
      at += 4;
    } else if (text[at] == ' ' || std::isalpha(static_cast<unsigned char>(text[at])) != 0) {
      out += text[at++];
    } else {
      return "raw letter";
    }
  }
  return out;
}

std::string broken_on_a_terminal(const std::string& visible) {
  for (std::string_view rest = visible; !rest.empty(); rest.remove_prefix(first_letter(rest).bytes))
    if (!first_letter(rest).is_printed) return "a terminal obeys it";
  for (const size_t width : {0, 1, 7, 40})
    if (display_width(fitted(visible, width, Cut::middle)) > width ||
        display_width(padded(visible, width)) != width)
      return "is cut too wide";
  return "";
}

std::string broken_in_csv(const std::string& name) {
  const auto cells = read_csv(csv::field(name) + "," + csv::field("x" + name));
  if (!cells || cells->size() != 2) return "is no line of CSV";
  const std::string first = cells->front(), expected = held(name);
  if (cells->back() != "x" + expected) return "another cell of CSV";
  if (first == "'" + expected) return "";
  const bool may_run =
      !first.empty() && std::string_view("=+-@\t\r\n").find(first[0]) != std::string_view::npos;
  return first == expected && (!may_run || parse_number(first)) ? "" : "a formula in CSV";
}

// In specs, which hold UTF-8 alone.
std::string broken_in_a_spec(const std::string& name) {
  config::Node tree = config::Node::map();
  tree.set("name", config::literal(config::Node(name)));
  try {
    const config::Node again = config::parse_yaml(config::to_yaml(tree), "again.yaml");
    if (config::Interpolator(again).resolve().find("name")->string() != name) return "another text in YAML";
    const config::Override word = config::parse_override("k=" + config::override_text(*tree.find("name")));
    if (!(word.value == *tree.find("name"))) return "another value as an override";
  } catch (const Error& error) {
    return std::string("cannot be read back from a spec: ") + error.what();
  }
  return "";
}

}  // namespace

std::string writers_law(std::string_view bytes) {
  const std::string name(bytes), visible = shown(name);
  if (const std::string broken = broken_on_a_terminal(visible); !broken.empty()) return broken;
  if (read_html(html::text(name)) != held(name)) return "another text in HTML: " + html::text(name);
  if (read_markdown(markdown::text(name)) != held(name))
    return "another text in Markdown: " + markdown::text(name);
  if (testing::read_latex(latex::text(name)) != visible) return "another text in LaTeX: " + latex::text(name);
  if (read_gnuplot(gnuplot::text(name)) != visible) return "another text in gnuplot: " + gnuplot::text(name);
  if (const std::string broken = broken_in_csv(name); !broken.empty()) return broken;
  if (!is_utf8(name)) return "";
  const Json document = {{name, {name, 1}}};
  if (!(Json::parse(json_document(document)) == document)) return "another document of JSON";
  return broken_in_a_spec(name);
}

}  // namespace subband::fuzz
