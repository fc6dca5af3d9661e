// What a sweep leaves in the store for the ledger: which cells it has, and under which identities.
//   <store>/sweeps/<name>.json
//   {"name", "spec", "metric": {"name", "goal"}, "baseline", "seeds": [..],
//    "cells": [{"row", "seed", "id", "overrides": [..], "baseline"?, "trial_of"?, "refused"?, "split"?}],
//    "claims"?: [{"row", "is", "by", "error"?}], "columns"?: [{"title", "metric"}], "lines"?: [{"label", "value"}],
//    "remarks"?: [{"row", "text"}], "code"?: {"mixer:wersa": ".."}, "published"?, "file"?}
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config/node.h"
#include "experiments/training/part_code.h"

namespace subband {

struct SweepCell {
  std::string row;  ///< `no bypass`
  int64_t seed = 0;
  std::string id;                      ///< run identity, 64 hex digits; empty where the cell cannot be bound
  std::vector<std::string> overrides;  ///< `net.block.bypass=none`; empty for the baseline
  std::string baseline = {};           ///< row that this one is compared with, where it is not the sweep's
  std::string trial_of = {};           ///< row for which it tries a setting; empty: it is of the table
  int64_t split = 0;  ///< parts of a micro-batch, since larger ones lacked memory; 0: as the row says
  std::string refused = {};            ///< why it came to no run when it was asked for last; or empty
};

/// What the sweep's author expects of a row, judged when the results are there.
struct SweepClaim {
  std::string row;
  std::string is;                  ///< better, worse, equal: than the baseline
  double by = 0;                   ///< at least so much, in the metric's unit; for equal: at most
  std::optional<double> error = {};  ///< how often its verdict may be wrong; nothing: the mean alone is compared
  config::Place place = {};        ///< in the spec; not kept in the store
  std::optional<bool> holds = {};  ///< nothing where it cannot be judged yet; not kept in the store
  std::string finding = {};        ///< `worse by 0.0123 (2 seeds)`; not kept in the store
  std::string verdict = {};  ///< with an error rate: supported, refuted, equivalent, undecided; not kept in the store
};

/// Claims as they once stood in a spec.
struct ClaimRegistration {
  std::string hash;  ///< claim_register.h
  double time = 0;   ///< seconds since 1970 UTC
  int64_t runs = 0;  ///< of the sweep, done by then
  std::vector<SweepClaim> claims;
};

/// One more column of the table.
struct SweepColumn {
  std::string title;
  std::string metric;
  config::Place place = {};  ///< in the spec; not kept in the store
};

/// A value of the metric that needs no run: what guessing reaches, what others published.
struct SweepLine {
  std::string label;
  double value = 0;
  config::Place place = {};  ///< in the spec; not kept in the store
};

/// What a row changes in its baseline besides what it asks for: `heads 6→4, parameters +12.0 %`.
struct SweepRemark {
  std::string row, text;
};

struct SweepManifest {
  std::string name;          ///< `quickstart`; slashes allowed
  std::string spec;          ///< path of its file, as the user gave it
  std::string file = {};     ///< the same, absolute; empty: not known
  std::string metric;        ///< `valid.bpb`
  std::string goal = "min";  ///< min or max
  std::string baseline;      ///< row that the others are compared with; may be empty
  std::vector<int64_t> seeds;
  std::vector<SweepCell> cells;  ///< rows in the order of the spec, each row's seeds together
  std::vector<SweepClaim> claims = {};
  std::vector<ClaimRegistration> registered = {};  ///< in the order of time; in a file of their own (claim_register.h)
  std::vector<SweepColumn> columns = {};
  std::vector<SweepLine> lines = {};
  std::vector<SweepRemark> remarks = {};
  std::string searched = {};  ///< how its points were drawn, `sampler tpe, pruner asha`; empty: they were planned
  std::string tuned_by = {};  ///< metric that chose each row's setting among its trials; empty: nothing was tuned
  PartCode code = {};  ///< what the parts of its rows were made of when it was planned last
  std::string published =
      {};  ///< section of a published ledger that it repeats, `waveletlm/03_booleans`; or empty
};

/// `<store>/sweeps/<name><extension>`, slashes of the name as `-`. Where the manifest there is that of another sweep
/// (`x/y` and `x-y`) a number makes the name one of its own: `x-y~2`.
std::filesystem::path sweep_file(const std::filesystem::path& store, const std::string& name,
                                 const std::string& extension);
/// `<store>/reports/<name><extension>`, named likewise.
std::filesystem::path report_file(const std::filesystem::path& store, const std::string& name,
                                  const std::string& extension);

/// The name of a sweep in a store: what the user called it, a file by its own name without `.yaml`. Where that is the name
/// of another sweep of this store the folder of the file stands before it: `lr` of `a/lr.yaml` and then `b/lr`. `change`:
/// what was changed in it on the command line, put behind.
std::string sweep_name(const std::filesystem::path& store, const std::string& spec,
                       const std::string& change = "");

/// All or nothing.
void write_sweep_manifest(const std::filesystem::path& store, const SweepManifest& sweep);
/// Error `FILE: …` when it is missing or damaged.
SweepManifest read_sweep_manifest(const std::filesystem::path& file);
/// Every sweep of a store, by the names of their files.
struct ManifestReading {
  std::vector<SweepManifest> sweeps;
  std::vector<std::string>
      notices;  ///< manifests that cannot be read, each named; other files are none of ours
};
ManifestReading read_sweep_manifests(const std::filesystem::path& store);

}  // namespace subband
