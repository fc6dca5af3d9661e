// The points that a search has drawn, in the store: `<store>/sweeps/<name>.draws.jsonl`, append-only, one point a line.
//   {"search": "1a2b…", "trial": 7, "overrides": ["optimizer.lr=0.01"], "point": [0.01, null], "knew": [0, 1, 3], "sum": …}
// A search that is built again takes the points that stand there and draws only what is not there yet, so that it goes
// on with the same next draw whatever ran beside it.
#pragma once
#include <cstdint>
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
  /// Reads what other processes have added since.
  void read();
  /// Where another process was faster with this number, its point is the one that counts: the first line of a number. Error
  /// where it cannot be written.
  void add(const SearchPoint& point, const std::vector<std::string>& overrides, const std::vector<size_t>& knew);

 private:
  std::filesystem::path file_;
  std::string search_;
  std::vector<SearchPoint> points_;
  uintmax_t bytes_ = 0;  // of the file, when it was read last
};

}  // namespace subband
