// Ablations of a spec: the base, and rows that change some of it.
//   ablate: {no bypass: net.block.bypass=none}   the base first, then each change alone
//   pairs: true                                  and every two of them together
//   leave_one_in: true                           and all of them, and all but each one
//   add: {crawl: net.block.dilation=crawl}       from a minimal base upward: each row adds one change to the row before
//   between: {from: RUN, to: RUN, pairs: 5}      what lies between two runs, one difference after another
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "sweeps/spec/change_reader.h"

namespace subband {

/// Reads `ablate`, `pairs`, `leave_one_in` and `add` into one factor each.
void read_ablation(SweepReader& reader, Binder& b, std::vector<SweepFactor>& factors);

/// Reads `between`.
void read_between(Binder& b, SweepSpec& spec);

/// Whether a row of these overrides of the `from` run can be bound.
using IsLegal = std::function<bool(const std::vector<std::string>& overrides)>;

/// The differences between two resolved configs as changes, in the order of `to`; the seed is none. Parts of another
/// type differ as a whole. One that is not legal on top of those before it is joined with the next one.
std::vector<SweepChange> config_differences(const config::Node& from, const config::Node& to, const IsLegal& legal);

/// Makes the rows of a spec with `between`: the run `from`, and one difference after another until the run `to`.
/// `recipe`: what the `from` run is composed of, its config.yaml. ConfigError where nothing differs.
void add_between(SweepSpec& spec, const std::string& recipe, std::vector<SweepChange> differences);

}  // namespace subband
