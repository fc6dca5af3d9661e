// The learning curves of a sweep as one SVG picture, drawn by gnuplot.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "runs/store.h"
#include "runs/sweep_manifest.h"

namespace subband {

struct LearningCurve {
  std::string label;              ///< of the row
  std::vector<double> tokens;     ///< ascending
  std::vector<double> values;     ///< mean over the seeds that got so far
  std::vector<double> low, high;  ///< least and most of them; drawn as a band where they differ
};

struct CurveChart {
  std::string title;
  std::string
      value_axis;  ///< `valid.bpb`, its estimate, or the training loss where no run measured it on its way
  std::vector<LearningCurve> curves;
};

/// Curves of the sweep's metric at its periodic evaluations, all rows by estimates where one has them; where no run has two
/// of them, of the training loss.
CurveChart learning_curves(const SweepManifest& sweep, const Store& store);

/// What gnuplot is told, data included; the picture goes to its standard output.
std::string gnuplot_script(const CurveChart& chart);

/// Writes the picture. Returns an empty text, or the one line that says why there is none: no data, no gnuplot.
std::string draw_curves(const CurveChart& chart, const std::filesystem::path& svg);

}  // namespace subband
