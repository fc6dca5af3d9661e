// Reads `search` and `tune` of a spec.
//   search: {sampler: tpe, pruner: {type: asha, first: 100}, trials: 50, seed: 7, space: {optimizer.lr: {low: 1e-4, high: 0.1, log: true}}}
//   tune: {optimizer.lr: [0.001, 0.003]}     tune_seeds: [7]     tune_by: valid.bpb
#pragma once
#include "sweeps/spec/change_reader.h"

namespace subband {

void read_search(Binder& b, SweepSpec& spec);
void read_tuning(SweepReader& reader, Binder& b, SweepSpec& spec);

}  // namespace subband
