// A run's record, written: one process at a time, whole lines only.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "runs/record/record.h"

namespace subband {

/// What the first line of a record says.
struct RunStart {
  std::string id;  ///< of runs/identity.h
  std::string recipe;
  int64_t seed = 0;
  RecordJson config, parts, data, provenance;
};

class RecordWriter {
 public:
  /// Opens or makes `file` and locks it until this object ends. A torn last line is cut off.
  /// Error `FILE: record = locked: is being written by process 71 on HOST; …` when another process holds it,
  /// or `FILE:line: …` when it is damaged.
  explicit RecordWriter(const std::filesystem::path& file);
  RecordWriter(RecordWriter&& other) noexcept;
  RecordWriter& operator=(RecordWriter&& other) noexcept;
  ~RecordWriter();

  void start(const RunStart& start);
  void resume(const RecordJson& provenance);
  void end(const Outcome& outcome);
  /// Appends one line: `fields` after seq, time and event. `is_durable`: flushed to the disk before this returns.
  /// When the line does not fit on the disk the record is left as it was, and an Error is thrown.
  void append(const std::string& event, const RecordJson& fields, bool is_durable);

  const std::filesystem::path& file() const { return file_; }
  /// What was cut off when the record was opened, or empty.
  const std::string& torn() const { return torn_; }
  /// The folder that holds the record was renamed.
  void moved_to(const std::filesystem::path& file) { file_ = file; }

 private:
  void take_lock();
  void cut(uint64_t bytes);

  std::filesystem::path file_;
  int fd_ = -1;
  int64_t next_ = 0;    // seq of the next line
  uint64_t bytes_ = 0;  // length of all whole lines
  std::string torn_;
};

/// Whether some process holds the record's lock just now.
bool is_being_written(const std::filesystem::path& file);

}  // namespace subband
