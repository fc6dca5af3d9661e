// What a listing and a page say alike of a run, for programs.
#pragma once
#include <string>

#include "runs/record/record_line.h"

namespace subband {

/// `Run` is RunSummary or RunRecord.
template <class Run>
RecordJson run_outline(const std::string& folder, const Run& run) {
  return {{"folder", folder},
          {"id", run.id},
          {"seed", run.seed},
          {"recipe", run.recipe},
          {"status", run.status},
          {"step", run.step},
          {"steps", run.steps},
          {"parameters", run.parameters},
          {"resumes", run.resumes},
          {"started", run.started},
          {"seconds", run.seconds},
          {"message", run.message},
          {"metrics", metrics_json(run.metrics)}};
}

}  // namespace subband
