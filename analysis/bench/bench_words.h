// The words of `subband bench`: what is measured, how, and how it is shown.
#pragma once
#include <string>
#include <vector>

#include "analysis/bench/measure_former.h"
#include "analysis/bench/measure_generation.h"
#include "analysis/bench/measure_mixers.h"
#include "analysis/bench/measure_ops.h"
#include "analysis/bench/measure_packed.h"
#include "analysis/bench/measure_step.h"
#include "analysis/bench/measure_sweep.h"
#include "analysis/bench/measure_tokens.h"
#include "core/program/command.h"

namespace subband {

struct BenchWords {
  std::vector<std::string> what;
  MixerBenchPlan plan;  ///< lengths, width, batch and device of all
  TokenBenchPlan tokens;
  PackedBenchPlan packed;
  StepBenchPlan step;
  GenerationBenchPlan generation;
  SweepBenchPlan sweep;
  std::string device = "auto", precision = "auto", format = "text";
  std::vector<std::string> targets;
  int64_t threads = 1;
  bool only_fp32 = false;

  void add_to(CLI::App& app);
  std::vector<std::string> rest(size_t from = 1) const {
    return {what.begin() + static_cast<std::ptrdiff_t>(from), what.end()};
  }
  /// Sorts the lengths, opens the device, takes what memory is free as the limit where none is given.
  void settle();
  /// The report on stdout, judged by the targets, in the format that was asked for.
  void show(Report report, const CommonOptions& options) const;
};

}  // namespace subband
