#include "analysis/pictures/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>

#include "core/error.h"
#include "core/files.h"
#include "core/languages/gnuplot.h"
#include "core/languages/terminal.h"

namespace subband {

namespace fs = std::filesystem;

namespace {
constexpr const char* kColours[] = {"#000000", "#E69F00", "#56B4E9", "#009E73",
                                    "#D55E00", "#0072B2", "#CC79A7", "#7F7F7F"};
}

std::string gnuplot_line_colour(size_t i) {
  return fmt::format("lc rgb '{}'", kColours[i % std::size(kColours)]);
}

std::string gnuplot_line_style(size_t i) {
  return fmt::format("dt {} ", i / std::size(kColours) + 1) + gnuplot_line_colour(i);
}

std::string gnuplot_head(const std::string& title, const std::string& x_axis, const std::string& y_axis,
                         size_t legend_lines) {
  constexpr size_t kHeight = 600, kMargins = 60, kLineHeight = 22;
  return fmt::format("set terminal svg size 960,{} noenhanced font 'Helvetica,14' background rgb 'white'\n",
                     std::max(kHeight, kMargins + kLineHeight * legend_lines)) +
         "set title " + gnuplot::text(fitted(shown(title), 90)) + "\nset xlabel " + gnuplot::text(x_axis) +
         "\nset ylabel " + gnuplot::text(y_axis) +
         "\nset key outside right top Left reverse\nset grid lc rgb '#DDDDDD'\nset border 3\nset tics "
         "nomirror\n";
}

// gnuplot, from one file to another; its exit code, -1 where it is not installed.
static int run_gnuplot(std::FILE* script, std::FILE* picture) {
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, ::fileno(script), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, ::fileno(picture), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string words[] = {"gnuplot", "-d", "-"};
  char* const arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t process = 0;
  const int failed = ::posix_spawnp(&process, arguments[0], &files, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return -1;
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

std::string draw_with_gnuplot(const std::string& script_text, const fs::path& svg, const std::string& what) {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  const File script(std::tmpfile(), std::fclose), picture(std::tmpfile(), std::fclose);
  if (!script || !picture) return "no " + what + ": no temporary file: " + std::strerror(errno);
  std::fwrite(script_text.data(), 1, script_text.size(), script.get());
  std::fflush(script.get());
  std::rewind(script.get());
  const int code = run_gnuplot(script.get(), picture.get());
  if (code < 0) return "no " + what + ": gnuplot is not installed; apt install gnuplot-nox";
  std::string drawn;
  std::rewind(picture.get());
  char buffer[1 << 16];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, picture.get())) drawn.append(buffer, got);
  if (code != 0 || drawn.empty()) return "no " + what + ": gnuplot failed";
  try {
    write_file(svg, drawn);
  } catch (const Error& error) {  // the table is worth having without it
    return "no " + what + ": " + error.what();
  }
  return "";
}

}  // namespace subband
