// A run's record, read: `record.jsonl`, append-only, one event a line (record_line.h), written by one process.
//   start       id, recipe, seed, config, parts, data, provenance: once, before anything runs
//   resume      provenance; the status is open again
//   model       parameters, step: training (re)starts after `step`; later points of the curve are void
//   step        step, steps, tokens, loss, rate, gradient_norm, seconds: thinned
//   metrics     step, metrics
//   sample      step, text
//   checkpoint  step, file
//   ops         ops: [{op, path, detail, calls}]: how operations ran since the session began
//   note        text
//   takeover    generation, after, bytes, from: the first line of a further file (record_files)
//   end         status, step, message, metrics
// Every line has `seq`, counted from 0, and `time`, seconds since 1970 UTC.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/ops/op_paths.h"
#include "experiments/training/part_code.h"
#include "runs/record/record_line.h"

namespace subband {

/// The files of a record, by generation: `record.jsonl`, and for every takeover (lease.h) `record.1.jsonl`, ….
std::filesystem::path record_file(const std::filesystem::path& file, int64_t generation);
/// How long all of them are, and when the newest was written, in nanoseconds since 1970.
struct RecordSize {
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
  bool operator==(const RecordSize&) const = default;
};
RecordSize record_size(const std::filesystem::path& file);

/// The whole lines of a record. Those that a former writer added after another process had taken over are not among them.
struct RecordFile {
  std::vector<RecordJson> events;
  int64_t generation = 0;    ///< of the newest file
  uint64_t whole_bytes = 0;  ///< length of all whole lines of that file
  bool line_open = false;    ///< the last whole line lacks its end of line
  std::string torn;          ///< `FILE:12: torn line = 57 bytes: …`, or empty: what follows the whole lines
};

/// Reads what was written, however abruptly it ended: a last line that is cut anywhere is dropped and reported in
/// `torn`. Error `FILE:line: …` for a damaged, missing or doubled line before the end.
RecordFile read_record_file(const std::filesystem::path& file);

struct CurvePoint {
  int64_t step = 0;
  int64_t tokens = 0;
  double loss = 0;  ///< nats per token
  double rate = 0;
  double gradient_norm = 0;
  double seconds = 0;  ///< since that session's training began
};

struct Evaluation {
  int64_t step = 0;
  Metrics metrics;
};

struct RunSample {
  int64_t step = 0;
  std::string text;
};

/// A record, put together.
struct RunRecord {
  std::string id;  ///< 64 hex digits; empty while the record has no whole start line
  std::string recipe;
  int64_t seed = 0;
  RecordJson config, parts, data;
  RecordJson provenance;  ///< of the session that wrote last
  PartCode code;          ///< of its parts, over all sessions (runs/other_code.h); empty: not known
  Status status =
      Status::running;  ///< of the end; `running` while there is none since the last start or resume
  int64_t step = 0;     ///< of the last line that has one
  int64_t steps = 0;    ///< of so many; 0 while unknown
  int64_t parameters = 0;
  int64_t resumes = 0;
  double started = 0;  ///< seconds since 1970 UTC
  double seconds = 0;  ///< worked, over all sessions, pauses between them not counted
  std::string message;
  Metrics metrics;  ///< final ones; before the end the newest of each
  std::vector<CurvePoint> curve;
  std::vector<Evaluation> evaluations;
  std::vector<RunSample> samples;
  std::vector<OpUse> ops;  ///< how operations ran, over all sessions
  std::vector<std::string> notes;
  std::string torn;  ///< as in RecordFile
};

RunRecord read_record(const std::filesystem::path& file);

}  // namespace subband
