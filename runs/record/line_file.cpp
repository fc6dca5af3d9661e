#include "runs/record/line_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/files.h"

namespace subband {

std::vector<RecordJson> read_line_file(const std::filesystem::path& file) {
  std::error_code none;
  std::vector<RecordJson> lines;
  if (!std::filesystem::is_regular_file(file, none)) return lines;
  const std::string text = read_file(file);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    OpenedLine line = open_line(std::string_view(text).substr(begin, end - begin));
    if (line.complaint.empty()) lines.push_back(std::move(line.object));
    begin = end + 1;
  }
  return lines;
}

void append_line(const std::filesystem::path& file, const RecordJson& object) {
  std::error_code none;
  std::filesystem::create_directories(file.parent_path(), none);
  // What was cut off before stays a line of its own.
  const bool is_torn = std::filesystem::is_regular_file(file, none) && std::filesystem::file_size(file, none) > 0 &&
                       !read_file(file).ends_with('\n');
  const std::string line = (is_torn ? "\n" : "") + sealed_line(object);
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool is_written = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                          ::fsync(fd) == 0;
  const std::string why = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  if (!is_written) throw Error(file.string(), "line: cannot be written: " + why);
}

}  // namespace subband
