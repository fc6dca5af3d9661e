// A sweep's spec, bound: which recipes with which changes, over which seeds, judged by which metric.
//   base: tinyshakespeare/wavelet
//   metric: {name: valid.bpb, goal: min}
//   seeds: [1337, 1338]
//   set: [trainer.steps=200]                      # of every cell
//   ablate: {no bypass: net.block.bypass=none}    # the base first, then each change alone; more in ablation.h
//   grid: {optimizer.lr: [0.01, 0.02]}            # every combination
//   zip: {net.width: [32, 64], net.layers: [4, 2]}   # side by side
//   list: [net.width=96, [net.width=128, net.layers=1]]
//   launcher: {type: slurm, account: lab}          # where its workers run
//   columns: {AUC: test.auc, FLOPs: model.flops}     # of the table, beside the metric
//   lines: {majority class: 0.17}                    # values of the metric to print below
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"
#include "runs/sweep_manifest.h"
#include "sweeps/search/space.h"

namespace subband {

/// `{model.parameters: base, by: net.width, within: 2 %}`: a row takes the width with which it is as large as the base.
struct SweepMatch {
  std::string metric;            ///< model.parameters or model.flops
  std::optional<double> target;  ///< nothing: the base's
  std::string by;                ///< the number that is changed
  double within = 0.02;          ///< a fraction
  config::Place place;
};

/// One alternative: what a cell changes.
struct SweepChange {
  std::string label;                   ///< its part of the row's name; empty: the base, unchanged
  std::string recipe;                  ///< instead of the base; empty: the base
  std::vector<std::string> overrides;  ///< `net.block.bypass=none`
  std::optional<SweepMatch> match = {};
  config::Place place;
  std::string against = {};  ///< of an ablation: the change of its factor that it is compared with; empty: the base
};

/// Alternatives of which every cell takes one; the cells of a sweep are the product of its factors.
struct SweepFactor {
  std::string kind;                  ///< ablate, add, between, list, grid, zip
  std::vector<SweepChange> changes;  ///< an ablation begins with the base
  bool is_ablation() const { return kind == "ablate" || kind == "add" || kind == "between"; }
};

/// Two runs of the store, and what lies between them (spec/ablation.h).
struct SweepBetween {
  std::string from, to;
  int64_t pairs = 5;  ///< seeds of every row
  config::Place place;
};

/// Cells that match are left out.
struct SweepExclusion {
  std::vector<std::string> overrides;  ///< all of them are the cell's
  std::string row;                     ///< or the row's whole name
  config::Place place;
};

/// A search over settings, its points drawn one after another (search/space.h).
struct SweepSearch {
  SearchSpace space;
  int64_t trials = 50;  ///< at most
  int64_t seed = 0;     ///< of the sampler
  config::Node sampler = config::Node("tpe"), pruner = config::Node("none");  ///< parts: a name, or a map with `type`
  std::string text;  ///< sampler, seed and space, in JSON: what tells one search's points from another's
  config::Place place;
};

/// Settings that are chosen for every row before it is judged (search/tune_queue.h).
struct SweepTuning {
  std::vector<SweepFactor> axes;  ///< every combination is a trial
  std::vector<int64_t> seeds;     ///< of the trials; none of them is a seed of the sweep
  std::string metric;             ///< that chooses, under the sweep's goal
  config::Place place;
};

struct SweepSpec {
  std::string name;  ///< `quickstart`
  std::string base;  ///< recipe
  std::string metric = "valid.bpb";
  std::string goal = "min";  ///< min or max
  config::Place metric_place = {};
  std::vector<int64_t> seeds = {1337};
  std::vector<std::string> set;      ///< overrides of every cell, before its own
  std::vector<SweepFactor> factors;  ///< first slowest: between, ablate, add, list, grid axes, zip
  std::optional<SweepBetween> between;  ///< its rows are known when its runs are read
  std::vector<SweepExclusion> exclude;
  std::optional<std::string> baseline;  ///< row that all are compared with; else the base of the ablation
  std::vector<SweepClaim> claims;
  std::optional<SweepSearch> search;
  std::optional<SweepTuning> tune;
  int64_t spend = 0;  ///< seeds of a row at most, while a claim with an error rate is open; 0: `seeds` alone
  std::vector<SweepColumn> columns;
  std::vector<SweepLine> lines;
  std::string published;  ///< `waveletlm/03_booleans`, or empty
  std::string on_memory = "record";  ///< of a cell that lacks memory: record, split (planning/split_cell.h)
  std::string keep = "all";    ///< of a finished run's checkpoints: all, last, best, none
  config::Node launcher = {};  ///< where its workers run: a name, or a map with `type`; null: local
};

/// `sampler tpe, pruner asha, up to 50 points, seed 0`
std::string search_text(const SweepSearch& search);

/// Binds a composed spec. ConfigError with every mistake of it.
SweepSpec bind_sweep(const std::string& name, const config::Node& composed);

/// Whether a spec has a field of this name; a recipe has none of them.
bool is_spec_key(std::string_view key);

/// Overrides of a command line: those of the spec itself (`seeds=[1,2]`) and those of every cell's recipe.
struct SplitOverrides {
  std::vector<std::string> spec;
  std::vector<std::string> cells;
  std::vector<std::string> launcher;  ///< `launcher.account=x`: how it runs, which is no other sweep
};
SplitOverrides split_overrides(std::span<const std::string> overrides);

}  // namespace subband
