// A sweep's rows and cells: the product of its factors, without what is excluded.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweeps/spec/spec.h"

namespace subband {

/// One setting: a line of the table.
struct SweepRow {
  std::string label;                   ///< `no bypass`; `base` where nothing changes
  std::string baseline;                ///< label of the row it is compared with; empty: none
  std::string recipe;                  ///< `tinyshakespeare/wavelet`
  std::vector<std::string> overrides;  ///< its own, without those of every cell
  std::optional<SweepMatch> match = {};
  config::Place place;
  std::string trial_of = {};  ///< label of the row that it tries a setting for; empty: a row of the table
};

/// One row with one seed: a run.
struct Cell {
  size_t row = 0;  ///< index into SweepGrid::rows
  int64_t seed = 0;
  std::string name;  ///< `no bypass, seed 1337`
};

struct SweepGrid {
  std::vector<SweepRow> rows;  ///< the first factor varies slowest
  std::vector<Cell> cells;     ///< row by row, each with its seeds in the spec's order
  std::vector<SweepRow> tuned = {};  ///< rows that get their cells when their trials are done; then `rows` are trials
  size_t excluded = 0;         ///< rows that were left out
};

/// A search draws its rows itself: its grid has the base alone, without a cell.
/// ConfigError with every row that is there twice, exclusion that excludes nothing, and claim or baseline without row.
SweepGrid expand(const SweepSpec& spec);

/// What a cell's recipe is composed with: those of every cell, the row's own, `extra` of the command line, the seed.
std::vector<std::string> cell_overrides(const SweepSpec& spec, const SweepRow& row, int64_t seed,
                                        const std::vector<std::string>& extra);

}  // namespace subband
