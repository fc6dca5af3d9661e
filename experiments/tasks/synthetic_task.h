// Synthetic token tasks: sequences that are drawn, with a target at a few positions.
// An example is a pure function of seed, split and number, so batch k is one of the seed and k. Validation and test
// examples are the same for every seed.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/draws.h"
#include "experiments/task.h"

namespace subband {

/// How long, and how hard.
struct Difficulty {
  int64_t length = 64;  ///< L
  int64_t size = 4;     ///< pairs of mqar, tokens to copy
};

/// Fields that all such tasks share.
struct SyntheticFields {
  int64_t examples = 0;
  int64_t valid = 512, test = 1'024;
  std::vector<int64_t> test_lengths;

  void bind(Binder& b);
};

/// A synthetic task, ready to draw from.
struct SyntheticTask {
  std::string name;             ///< `mqar`; names the streams
  std::vector<Difficulty> train;  ///< batch k is of kind k modulo their number; valid and test are of the first
  std::vector<Difficulty> longer;  ///< tested besides, as `test.accuracy_LENGTH_SIZE`
  SyntheticFields fields;
  /// Fills one example; targets come as kNoTarget.
  std::function<void(Draws&, const Difficulty&, std::span<int64_t> inputs, std::span<int64_t> targets)> draw;
  std::vector<std::string> notes;

  int64_t longest() const;
};

/// Example `index` of `split`, appended to nothing: inputs and targets have the length of its difficulty.
void draw_example(const SyntheticTask& plan, const Difficulty& difficulty, uint64_t seed, const std::string& split,
                  int64_t index, std::span<int64_t> inputs, std::span<int64_t> targets);

std::unique_ptr<OpenTask> open_synthetic_task(const SyntheticTask& plan, const TaskUse& use);
/// `valid.accuracy` and `.loss` over the positions that have a target, likewise `test`.
std::vector<Measurement> synthetic_measurements(const SyntheticTask& plan, const TaskUse& use);
std::vector<MetricInfo> synthetic_metrics(const SyntheticTask& plan);
inline constexpr const char* kSyntheticObjective = "cross-entropy of the tokens that are asked for";

}  // namespace subband
