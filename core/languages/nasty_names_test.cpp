// Every writer, every nasty name, and a real reader of the language: what comes back is the name, and nothing was run.
#include <fmt/format.h>

#include <functional>
#include <map>

#include "core/languages/csv.h"
#include "core/languages/gnuplot.h"
#include "core/languages/html.h"
#include "core/languages/json.h"
#include "core/languages/latex.h"
#include "core/languages/letters.h"
#include "core/languages/markdown.h"
#include "core/languages/terminal.h"
#include "core/testing/nasty_names.h"
#include "core/testing/read_back.h"
#include "core/testing/read_latex.h"
#include "core/text.h"

namespace subband::nasty_names_test {

using testing::nasty_names;

// What a page can hold of a name: line ends and tabs as they are, what is not printed as it is shown.
static std::string held(const std::string& name) {
  return rewritten(name, [](std::string& out, const Letter& letter, std::string_view bytes) {
    const bool is_layout = letter.code == '\n' || letter.code == '\r' || letter.code == '\t';
    out += letter.is_printed || is_layout ? std::string(bytes) : escape_of(letter);
  });
}

// A page's address, as the reader of a link resolves it.
static std::string decoded(const std::string& address) {
  std::string out;
  for (size_t i = 0; i < address.size(); ++i) {
    if (address[i] == '%') {
      out += static_cast<char>(std::stoi(address.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += address[i];
    }
  }
  return out;
}

using WriteName = std::function<std::string(const std::string&)>;

static void check_page(const std::string& kind, const std::string& page,
                       const std::vector<std::string>& expected) {
  const std::vector<std::string> cells = testing::cells_read_back(kind, page);
  REQUIRE(cells.size() == expected.size());
  for (size_t i = 0; i < cells.size(); ++i) CHECK(cells[i] == expected[i]);
}

TEST_CASE("GitHub's reader of Markdown gives every name back letter by letter", "[languages]") {
  if (!testing::has_reader("gfm")) return;
  const WriteName writers[] = {[](const std::string& name) { return markdown::text(name); },
                               [](const std::string& name) { return markdown::code(name); }};
  for (const WriteName& write : writers) {
    std::string table = "| name | is |\n|---|--:|\n";
    std::vector<std::string> expected = {"name", "is"};
    for (const std::string& name : nasty_names()) {
      table += "| " + write(name) + " | x" + write(name) + "y |\n";
      expected.insert(expected.end(), {held(name), "x" + held(name) + "y"});
    }
    check_page("gfm", table, expected);
  }
  const std::pair<const char*, const char*> places[] = {{"## ", "\n\n"}, {"- ", "\n"}, {"", "\n\n"}};
  for (const auto& [before, after] : places) {
    std::string page;
    std::vector<std::string> expected;
    for (const std::string& name : nasty_names()) {
      if (name.empty()) continue;  // no paragraph
      page += before + markdown::line(name) + after;
      expected.push_back(held(name));
    }
    check_page("gfm", page, expected);
  }
}

TEST_CASE("links and pictures of Markdown lead to the file of any name", "[languages]") {
  if (!testing::has_reader("gfm")) return;
  std::string page;
  std::vector<std::string> names;
  for (const std::string& name : nasty_names()) {
    if (name.find('\0') != std::string::npos || name.empty()) continue;  // no file has such a name
    names.push_back("sweeps/" + name + ".svg");
    page += "| " + markdown::link(markdown::text(name), names.back()) + " | " +
            markdown::picture(name, names.back()) + " |\n";
    if (names.size() == 1) page += "|---|---|\n";
  }
  const auto found = testing::read_back("gfm", page);
  REQUIRE(found["links"].size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    CHECK(decoded(found["links"][i]) == names[i]);
    CHECK(decoded(found["pictures"][i][1]) == names[i]);
  }
}

TEST_CASE("a reader of HTML gives every name back, and no tag but ours", "[languages]") {
  if (!testing::has_reader("html")) return;
  std::string page = "<table>\n";
  std::vector<std::string> expected;
  for (const std::string& name : nasty_names()) {
    page += "<tr><td title=\"" + html::text(name) + "\">" + html::text(name) + "</td></tr>\n";
    expected.push_back(held(name));
  }
  page += "</table>\n";
  check_page("html", page, expected);
  CHECK(testing::read_back("html", page)["tags"] == std::vector<std::string>{"table", "td", "tr"});
}

TEST_CASE("a reader of CSV gives every name back, formulas behind an apostrophe", "[languages]") {
  if (!testing::has_reader("csv")) return;
  std::string page;
  std::vector<std::string> expected;
  for (const std::string& name : nasty_names()) {
    page += csv::field(name) + "," + csv::field("x" + name) + "\r\n";
    const std::string text = held(name);
    const bool is_number = parse_number(name).has_value();
    const bool is_formula = !name.empty() && !is_number &&
                            (std::string_view("=+-@").find(name[0]) != std::string_view::npos ||
                             !first_letter(name).is_printed || name.starts_with("＝"));
    expected.insert(expected.end(), {(is_formula ? "'" : "") + text, "x" + text});
  }
  check_page("csv", page, expected);
  CHECK(csv::field(-0.5) == "-0.5");
  CHECK(csv::field("-0.5") == "-0.5");
  CHECK(csv::field(1e171) == "1e+171");
  CHECK(csv::field(-std::numeric_limits<double>::infinity()) == "-inf");
}

TEST_CASE("LaTeX is given letters to set and none to obey", "[languages]") {
  for (const std::string& name : nasty_names()) {
    CHECK(testing::read_latex(latex::text(name)) == shown(name));
    const std::string comment = latex::comment(name);
    CHECK(comment.find_first_of("\n\r") == std::string::npos);
    CHECK(comment == "% " + shown(name));
  }
}

TEST_CASE("gnuplot draws every name as it is shown and runs none", "[languages]") {
  if (!testing::has_reader("svg")) return;
  const TestFolder folder;
  std::string script =
      "set terminal svg noenhanced\nset xrange [0:1]\nset yrange [0:1]\nunset key\nset output " +
      gnuplot::text((folder / "picture.svg").string()) + "\n";
  size_t number = 0;
  std::vector<std::string> expected;
  for (const std::string& name : nasty_names()) {
    if (trim(shown(name)).empty()) continue;  // nothing to draw
    script += fmt::format("set label {} {} at 0.5,0.5\n", ++number, gnuplot::text(name));
    expected.push_back(shown(name));
  }
  write_file(folder / "script", script + "plot 0.5 notitle\n");
  const int code =
      testing::Process::of({"sh", "-c", "cd \"$1\" && gnuplot script", "sh", folder.path().string()}).wait();
  if (code == 127) {
    WARN("skipped: gnuplot is not installed");
    return;
  }
  REQUIRE(code == 0);
  CHECK(!std::filesystem::exists(folder / "PWNED"));
  const std::vector<std::string> texts = testing::cells_read_back("svg", read_file(folder / "picture.svg"));
  for (const std::string& name : expected) {
    CAPTURE(name);
    CHECK(std::ranges::find(texts, name) != texts.end());
  }
}

TEST_CASE("JSON holds every name, and a terminal that it is shown on obeys nothing", "[languages]") {
  for (const std::string& name : nasty_names()) {
    if (!is_utf8(name)) continue;
    const nlohmann::ordered_json document = {{name, {name, 1}}};
    for (const int indent : {-1, 1}) {
      const std::string text = json_document(document, indent);
      CHECK(nlohmann::ordered_json::parse(text) == document);
      CHECK(shown_lines(text) == text);
    }
  }
}

}  // namespace subband::nasty_names_test
