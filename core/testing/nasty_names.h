// Names that people give and programs choke on: what every writer and reader of names is tried with.
#pragma once
#include <string>
#include <vector>

namespace subband::testing {

/// Each must come out of a writer so that its reader sees the name and nothing happens.
inline const std::vector<std::string>& nasty_names() {
  using namespace std::string_literals;
  static const std::vector<std::string> kNames = {
      // commands of a shell, of gnuplot, of LaTeX
      "`touch PWNED`", "$(touch PWNED)", "\"; system('touch PWNED'); \"", "'.system('touch PWNED').'",
      "@PWNED", "END", "\\input{/etc/passwd}", "\\write18{touch PWNED}", "^^M", "$x$", "#1", "{x}", "%s%n%d",
      "50%.yaml", "$0", "a\\\\b",
      // quotes and backslashes
      "'c:\\dir\\'", "o'brien", "\"quoted\"", "''", "t`", "``", "`` ` ``", "\\", "\\`", "a\\|b", "a|b", "|",
      "||",
      // Markdown and HTML
      "<img src=x>", "<!-- x -->", "</td></table>", "<script>alert(1)</script>", "a & b",
      "&amp; &#65; &copy;", "*a*", "**a**", "_a_", "__init__", "snake_case_name", "~~a~~", "[a](b)",
      "![a](b)", "[a]: http://x", "[x] done", "a](b", "http://example.com/a_b", "www.example.com",
      "user@example.com", ":smile:", "# a", "a #", "> a", "- a", "+ a", "* a", "1. a", "1) a", "===", "---",
      "***", "- [ ] a", "    code", "a  b", " leading", "trailing ", "a\\", "my sweep (v2) #1",
      // formulas of spreadsheets
      "=1+1", "@SUM(1)", "++optimizer.lr=1", "+x=1", "-2+3", "~x", "\t=1", "\r=1", "=cmd|' /C calc'!A0",
      "\xEF\xBC\x9D"
      "1+1",
      "a,b", "a;b", "1.10", "010", "1e5", "-0.5", "inf", "nan",
      // lines
      "a\rb", "a\n\n# b", "a\r\nb", "\n", "a\tb",
      "a\xE2\x80\xA8"
      "b",
      "a\xE2\x80\xA9"
      "b",
      "a\xC2\x85"
      "b",
      // what a terminal obeys, and what is no text
      "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "bell\x07", "nul\0inside"s, "back\bspace", "del\x7f",
      "\xC2\x9B"
      "31m",
      "\xE2\x80\xAE"
      "evil",
      "\xE2\x81\xA6"
      "isolated",
      "zero\xE2\x80\x8B"
      "width",
      "\xEF\xBB\xBF"
      "bom",
      "broken \xff utf8", "cut \xE6\x97", "\xED\xA0\x80",
      // letters of the world
      "日本語の行", "宽度＝一二八", "한국어", "e\xCC\x81te\xCC\x81", "नमस्ते",
      "👩‍👩‍👧‍👦 family", "🇩🇪🇯🇵", "❤️", "שלום", "naïve ± − ✓ ✗ … –",
      // sizes
      "", " ", std::string(300, 'x'), "wide " + std::string(150, 'W')};
  return kNames;
}

}  // namespace subband::testing
