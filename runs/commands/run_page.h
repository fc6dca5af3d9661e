// One run, or the difference of two, for a person or as JSON.
#pragma once
#include <filesystem>
#include <string>

#include "runs/record/record.h"

namespace subband {

/// The training loss over the steps, `columns` × `rows` characters of plot; empty for fewer than two finite points.
std::string curve_plot(const std::vector<CurvePoint>& curve, size_t columns, size_t rows);

/// Status, metrics, evaluations, curve, notes, provenance and config.
std::string run_page(const std::string& folder, const RunRecord& run);
RecordJson run_json(const std::string& folder, const RunRecord& run);

/// Every value of config, versions of parts, data files and metrics in which two runs differ: `path`, `first`, `second`; absent values are null.
RecordJson run_difference(const RunRecord& first, const RunRecord& second);
std::string difference_text(const RecordJson& difference);

}  // namespace subband
