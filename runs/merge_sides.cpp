#include "runs/merge_sides.h"

#include <algorithm>
#include <map>

#include "core/files.h"
#include "runs/record/line_file.h"
#include "runs/sweep_manifest.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

using Lines = std::vector<RecordJson>;

void merge_claims(const fs::path& ours, const fs::path& theirs) {
  Lines all = read_line_file(ours);
  const size_t before = all.size();
  for (const RecordJson& line : read_line_file(theirs))
    if (std::ranges::find(all, line) == all.end()) all.push_back(line);
  if (all.size() == before) return;
  std::ranges::stable_sort(all, {}, [](const RecordJson& line) { return number_in(line, "time"); });
  std::string text;
  for (const RecordJson& line : all) text += sealed_line(line);
  fs::create_directories(ours.parent_path());
  write_file(ours, text);
}

// The drawn points of each search, in the order of their numbers; none after a gap.
std::map<std::string, Lines> points_by_search(const fs::path& file) {
  std::map<std::string, Lines> searches;
  for (const RecordJson& line : read_line_file(file)) {
    if (!line.contains("point")) continue;
    Lines& points = searches[text_in(line, "search")];
    if (integer_in(line, "trial", -1) == static_cast<int64_t>(points.size())) points.push_back(line);
  }
  return searches;
}

std::vector<std::string> merge_draws(const fs::path& ours, const fs::path& theirs, const std::string& name) {
  std::vector<std::string> notices;
  std::map<std::string, Lines> own = points_by_search(ours);
  for (const auto& [search, points] : points_by_search(theirs)) {
    const Lines& known = own[search];
    size_t same = 0;
    const size_t both = std::min(known.size(), points.size());
    while (same < both && known[same].at("point") == points[same].at("point")) ++same;
    if (same < both) {
      notices.push_back(name + ": point " + std::to_string(same) + " of search " + search +
                        " differs between the stores; ours stay");
      continue;
    }
    for (size_t i = same; i < points.size(); ++i) append_line(ours, points[i]);
  }
  return notices;
}

}  // namespace

std::vector<std::string> merge_sides(const fs::path& into, const fs::path& from, const std::string& name) {
  const auto file = [&](const fs::path& store, const char* extension) { return sweep_file(store, name, extension); };
  merge_claims(file(into, ".claims.jsonl"), file(from, ".claims.jsonl"));
  return merge_draws(file(into, ".draws.jsonl"), file(from, ".draws.jsonl"), name);
}

}  // namespace subband
