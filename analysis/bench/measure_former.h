// Measures mixers of this state of the program beside those of a former one, built beside it.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/report.h"

namespace subband {

struct FormerBenchPlan {
  std::string former;   ///< its program
  std::string program;  ///< whose mixers are compared with it; empty: this one
  std::vector<std::string> mixers;
  std::vector<int64_t> lengths;
  int64_t width = 64, batch = 1, threads = 1;
  bool backward = false;
  int rounds = 3;
  double memory_mib = 16384;  ///< that a pass may hold, by prediction
};

/// `bench mixers` of both programs by turns, in an order shuffled anew every round, and of the former one also with malloc
/// told by its environment to keep what it has (16 GiB). A row for every mixer and length: our milliseconds, and their time
/// over ours, round by round. Its figures: `former/subband wersa at 8192`, `former kept/subband wersa at 8192`. What a
/// program leaves out, or fails at, is a note.
Report measure_former(const FormerBenchPlan& plan, const std::function<void(const std::string&)>& tell);

}  // namespace subband
