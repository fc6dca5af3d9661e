// The points that a search has drawn, in the store: `<store>/sweeps/<name>.draws.jsonl`, append-only, one point a line.
//   {"search": "1a2b…", "trial": 7, "overrides": ["optimizer.lr=0.01"], "point": [0.01, null], "knew": [0, 1, 3], "sum": …}
// A search that is built again takes the points that stand there and draws only what is not there yet, so that it goes
// on with the same next draw whatever ran beside it.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sweeps/search/space.h"

namespace subband {

class DrawLedger {
 public:
  /// `search`: which search of this sweep, since a spec may be edited; an empty file name: nothing is kept. A torn last
  /// line, and lines of other searches, are passed over.
  DrawLedger(std::filesystem::path file, std::string search);

  /// The points so far, in the order of their numbers; none after a gap.
  const std::vector<SearchPoint>& points() const { return points_; }
  /// Error where it cannot be written.
  void add(const SearchPoint& point, const std::vector<std::string>& overrides, const std::vector<size_t>& knew);

 private:
  std::filesystem::path file_;
  std::string search_;
  std::vector<SearchPoint> points_;
};

}  // namespace subband
