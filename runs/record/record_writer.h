// A run's record, written: one process at a time, whole lines only.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "runs/record/lease.h"
#include "runs/record/record.h"

namespace subband {

/// What the first line of a record says.
struct RunStart {
  std::string id;  ///< of runs/identity.h
  std::string recipe;
  int64_t seed = 0;
  RecordJson config, parts, data, provenance;
};

/// How a record is claimed.
struct LeaseTerms {
  double expiry_s = 20;  ///< after which silence of this process counts as its end
  LeaseSights* sights =
      nullptr;  ///< what its owner saw of other claims; nothing: waits here until it is clear
};

class RecordWriter {
 public:
  /// Opens or makes `file` and claims it until this object ends: by a lock of the file system where that has locks, and
  /// by a lease (lease.h). A torn last line is cut off. Where a former writer of another machine, or without locks, is
  /// gone or silent, the record's next generation is begun.
  /// Error `FILE: record = locked: is being written by process 71 on HOST; …` when another process holds it,
  /// or `FILE:line: …` when it is damaged.
  explicit RecordWriter(const std::filesystem::path& file, const LeaseTerms& terms = {});
  RecordWriter(RecordWriter&& other) noexcept;
  RecordWriter& operator=(RecordWriter&& other) noexcept;
  ~RecordWriter();

  void start(const RunStart& start);
  void resume(const RecordJson& provenance);
  void end(const Outcome& outcome);
  /// Appends one line: `fields` after seq, time and event. `is_durable`: flushed to the disk before this returns.
  /// When the line does not fit on the disk the record is left as it was, and an Error is thrown; one of kind `lost`
  /// when another process has taken over.
  void append(const std::string& event, const RecordJson& fields, bool is_durable);

  const std::filesystem::path& file() const { return file_; }
  /// What was cut off when the record was opened, or empty.
  const std::string& torn() const { return torn_; }
  /// The folder that holds the record was renamed.
  void moved_to(const std::filesystem::path& file);

 private:
  bool take_lock();
  void claim(const LeaseTerms& terms, bool has_lock);
  void open_present(const RecordFile& present);
  void begin_generation(const RecordFile& present, const Lease& former);
  void close_files();
  void cut(uint64_t bytes);

  std::filesystem::path file_;  // of generation 0
  int lock_fd_ = -1;            // of that file
  int fd_ = -1;                 // of the newest generation
  std::optional<HeldLease> lease_;
  int64_t next_ = 0;    // seq of the next line
  uint64_t bytes_ = 0;  // length of all whole lines
  std::string torn_;
};

/// Whether some process writes the record just now. A holder of another machine whose silence was not watched counts as
/// gone when its last beat is as old as three expiries by the time of day.
bool is_being_written(const std::filesystem::path& file);
/// The same by the watched beats alone.
bool is_being_written(const std::filesystem::path& file, LeaseSights& sights);

}  // namespace subband
