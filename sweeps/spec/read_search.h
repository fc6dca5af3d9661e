// Reads `search` and `tune` of a spec, and its parts: those are made later, by whoever has the registry.
//   search: {sampler: tpe, pruner: {type: asha, first: 100}, trials: 50, seed: 7, space: {optimizer.lr: {low: 1e-4, high: 0.1, log: true}}}
//   tune: {optimizer.lr: [0.001, 0.003]}     tune_seeds: [7]     tune_by: valid.bpb
#pragma once
#include "sweeps/spec/change_reader.h"

namespace subband {

/// The kind of a part, and which one it is where none is named.
struct LaterPart {
  const char *kind, *standard;
};
/// A part's name or its map, as written; a map without `type` is one of the standard part.
void read_part(Binder& b, std::string_view key, config::Node& value, const LaterPart& part, std::string_view help);

void read_search(Binder& b, SweepSpec& spec);
void read_tuning(SweepReader& reader, Binder& b, SweepSpec& spec);

}  // namespace subband
