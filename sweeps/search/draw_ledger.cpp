#include "sweeps/search/draw_ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/files.h"
#include "runs/record/record_line.h"

namespace subband {

static RecordJson point_json(const SearchPoint& point) {
  RecordJson values = RecordJson::array();
  for (const auto& value : point) values.push_back(value ? RecordJson(*value) : RecordJson());
  return values;
}

static SearchPoint point_of(const RecordJson& values) {
  SearchPoint point;
  for (const auto& value : values)
    point.push_back(value.is_number() ? std::optional(value.get<double>()) : std::nullopt);
  return point;
}

DrawLedger::DrawLedger(std::filesystem::path file, std::string search)
    : file_(std::move(file)), search_(std::move(search)) {
  std::error_code none;
  if (file_.empty() || !std::filesystem::is_regular_file(file_, none)) return;
  const std::string text = read_file(file_);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const OpenedLine line = open_line(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    if (!line.complaint.empty() || text_in(line.object, "search") != search_) continue;
    const bool is_next = integer_in(line.object, "trial", -1) == static_cast<int64_t>(points_.size());
    if (is_next && line.object.contains("point")) points_.push_back(point_of(line.object.at("point")));
  }
}

void DrawLedger::add(const SearchPoint& point, const std::vector<std::string>& overrides,
                     const std::vector<size_t>& knew) {
  const RecordJson object = {{"search", search_},
                             {"trial", points_.size()},
                             {"overrides", overrides},
                             {"point", point_json(point)},
                             {"knew", knew}};
  points_.push_back(point);
  if (file_.empty()) return;
  std::error_code none;
  std::filesystem::create_directories(file_.parent_path(), none);
  // A line that was cut off before stays a line of its own.
  const bool is_torn = std::filesystem::exists(file_, none) && !read_file(file_).ends_with('\n') &&
                       std::filesystem::file_size(file_, none) > 0;
  const std::string line = (is_torn ? "\n" : "") + sealed_line(object);
  const int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool is_written = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                          ::fsync(fd) == 0;
  const std::string why = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  if (!is_written) throw Error(file_.string(), "drawn point: cannot be written: " + why);
}

}  // namespace subband
