#include "analysis/pictures/gnuplot.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iterator>

#include "core/files.h"

namespace subband {

namespace fs = std::filesystem;

namespace {
constexpr const char* kColours[] = {"#000000", "#E69F00", "#56B4E9", "#009E73",
                                    "#D55E00", "#0072B2", "#CC79A7", "#7F7F7F"};
}

std::string quoted_for_gnuplot(const std::string& text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter == '\n' ? ' ' : letter;
  }
  return out + "\"";
}

std::string gnuplot_line_style(size_t i) {
  return fmt::format("dt {} lc rgb '{}'", i / std::size(kColours) + 1, kColours[i % std::size(kColours)]);
}

std::string gnuplot_head(const std::string& title, const std::string& x_axis, const std::string& y_axis) {
  return "set terminal svg size 960,600 noenhanced font 'Helvetica,14' background rgb 'white'\nset title " +
         quoted_for_gnuplot(title) + "\nset xlabel " + quoted_for_gnuplot(x_axis) + "\nset ylabel " +
         quoted_for_gnuplot(y_axis) +
         "\nset key outside right top Left reverse\nset grid lc rgb '#DDDDDD'\nset border 3\nset tics "
         "nomirror\n";
}

std::string draw_with_gnuplot(const std::string& script_text, const fs::path& svg, const std::string& what) {
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0)
    return "no " + what + ": gnuplot is not installed; apt install gnuplot-nox";
  const fs::path script = svg.string() + ".gnuplot", picture = svg.string() + ".new";
  write_file(script, script_text);
  const auto shell_word = [](const std::string& text) {
    std::string word = "'";
    for (const char letter : text) word += letter == '\'' ? "'\\''" : std::string(1, letter);
    return word + "'";
  };
  const std::string command =
      "gnuplot " + shell_word(script.string()) + " >" + shell_word(picture.string()) + " 2>/dev/null";
  const int status = std::system(command.c_str());
  std::error_code none;
  fs::remove(script, none);
  if (status != 0 || fs::file_size(picture, none) == 0) {
    fs::remove(picture, none);
    return "no " + what + ": gnuplot failed";
  }
  fs::rename(picture, svg);
  return "";
}

}  // namespace subband
