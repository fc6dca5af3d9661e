// Pictures by gnuplot, a program that may be missing.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

namespace subband {

/// Runs the script, whose picture goes to standard output, and puts it at `svg` when it is whole. Returns an empty text,
/// or the one line that says why there is no `what`. No shell is asked, and nothing of the user's settings.
std::string draw_with_gnuplot(const std::string& script, const std::filesystem::path& svg,
                              const std::string& what);

/// `lc rgb '...' dt N` of the i-th line: eight colours that people who do not see red and green tell apart too (after
/// Okabe and Ito), then the same dashed.
std::string gnuplot_line_style(size_t i);
/// `lc rgb '...'` alone.
std::string gnuplot_line_colour(size_t i);

/// Terminal, title, axes, legend: how our pictures begin; high enough for a legend of so many lines.
std::string gnuplot_head(const std::string& title, const std::string& x_axis, const std::string& y_axis,
                         size_t legend_lines = 0);

}  // namespace subband
