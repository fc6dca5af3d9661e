// A finished run in a store, without any training.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>

#include "core/hash.h"
#include "runs/record/record_observer.h"
#include "runs/store.h"

namespace subband::testing {

struct ExampleRun {
  std::string name;  ///< its identity is the SHA-256 of this
  int64_t seed = 1;
  Outcome outcome{.status = Status::done,
                  .step = 8,
                  .message = "",
                  .metrics = {{"valid.bpb", 2.5}, {"train.peak_mib", 120.0}, {"train.seconds", 42.0}}};
  bool has_end = true;
  bool is_durable = true;  ///< through the store; else written straight, for many at once
};

inline RunStart start_of(const ExampleRun& run) {
  return {.id = sha256_hex(run.name),
          .recipe = "tiny/wavelet",
          .seed = run.seed,
          .config = {{"net", {{"width", 8}, {"name", run.name}}}, {"seed", run.seed}},
          .parts = RecordJson::object(),
          .data = RecordJson::object(),
          .provenance = {{"process", 71}, {"host", "mill"}}};
}

/// Returns its folder.
inline std::filesystem::path make_run(const Store& store, const ExampleRun& example) {
  const RunStart start = start_of(example);
  if (!example.is_durable) {
    const auto folder =
        store.root() / ("2026-01-01_tiny_" + start.id.substr(0, 8) + "-s" + std::to_string(start.seed));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / kRecordName) << sealed_line({{"seq", 0},
                                                        {"time", 0},
                                                        {"event", "start"},
                                                        {"id", start.id},
                                                        {"recipe", start.recipe},
                                                        {"seed", start.seed},
                                                        {"config", start.config}})
                                        << sealed_line({{"seq", 1},
                                                        {"time", 0},
                                                        {"event", "end"},
                                                        {"status", "done"},
                                                        {"step", 8},
                                                        {"metrics", metrics_json(example.outcome.metrics)}});
    return folder;
  }
  OpenRun run = store.open_or_create(start, config::Node::map());
  RecordObserver observer(run.record, run.folder);
  observer.started(1234, 0);
  for (int64_t step = 1; step <= example.outcome.step; ++step)
    observer.stepped(
        {.step = step, .steps = 8, .tokens = step * 64, .loss = 5.0 - 0.25 * static_cast<double>(step)});
  if (example.has_end) run.record.end(example.outcome);
  return run.folder;
}

}  // namespace subband::testing
