#include "sweeps/search/draw_ledger.h"

#include "runs/record/line_file.h"

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
  read();
}

void DrawLedger::read() {
  std::error_code none;
  if (file_.empty() || !std::filesystem::exists(file_, none)) return;
  const uintmax_t bytes = std::filesystem::file_size(file_, none);
  if (bytes == bytes_) return;
  bytes_ = bytes;
  size_t trial = 0;
  for (const RecordJson& line : read_line_file(file_)) {
    if (text_in(line, "search") != search_ || !line.contains("point")) continue;
    if (integer_in(line, "trial", -1) != static_cast<int64_t>(trial)) continue;
    if (trial++ == points_.size()) points_.push_back(point_of(line.at("point")));
  }
}

void DrawLedger::add(const SearchPoint& point, const std::vector<std::string>& overrides,
                     const std::vector<size_t>& knew) {
  const RecordJson line = {{"search", search_},
                           {"trial", points_.size()},
                           {"overrides", overrides},
                           {"point", point_json(point)},
                           {"knew", knew}};
  if (file_.empty()) return points_.push_back(point);
  append_line(file_, line);
  read();
}

}  // namespace subband
