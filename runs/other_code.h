// Whether a run was computed by the code that this program is made of.
#pragma once
#include <string>
#include <vector>

#include "experiments/status.h"
#include "experiments/training/part_code.h"
#include "runs/record/record_line.h"

namespace subband {

/// `code` of a provenance, or of a JSON text; empty where it has none, as runs of before it was kept.
PartCode part_code_in(const RecordJson& provenance);
RecordJson part_code_json(const PartCode& code);

/// Names, `decay_mean`, of the parts whose code is known on both sides and differs.
std::vector<std::string> other_code(const PartCode& then, const PartCode& now);

/// Whether it ended by something that other code might not do.
inline bool is_failure(Status status) {
  return status == Status::nan || status == Status::diverged || status == Status::out_of_memory ||
         status == Status::failed;
}

/// What a run that went on under `later` is made of: parts whose code changed on the way are that of no program.
PartCode code_of_both(PartCode earlier, const PartCode& later);

}  // namespace subband
