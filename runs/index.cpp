#include "runs/index.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>
#include <sqlite3.h>
#include <algorithm>
#include <fstream>
#include <map>
#include <memory>

#include "core/error.h"
#include "core/json.h"
#include "runs/other_code.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr int kSchema = 2;  // another number: the index is made anew
constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS runs(folder TEXT PRIMARY KEY, modified INTEGER, size INTEGER, id TEXT, seed "
    "INTEGER,"
    " recipe TEXT, status TEXT, step INTEGER, steps INTEGER, parameters INTEGER, resumes INTEGER, started "
    "REAL,"
    " seconds REAL, message TEXT, metrics TEXT, config TEXT, code TEXT)";

struct IndexRow {
  RecordSize stamp;
  RunSummary summary;
};
using IndexRows = std::map<std::string, IndexRow>;

// The table of the file. Its failures are SQLite::Exception, and never fatal to a reader.
class IndexFile {
 public:
  explicit IndexFile(const fs::path& file) { open(file); }

  IndexRows rows() {
    IndexRows rows;
    SQLite::Statement query(*database_, "SELECT * FROM runs");
    while (query.executeStep()) {
      IndexRow row;
      RunSummary& run = row.summary;
      run.folder = query.getColumn(0).getString();
      row.stamp = {.bytes = static_cast<uint64_t>(query.getColumn(2).getInt64()),
                   .modified_ns = query.getColumn(1).getInt64()};
      run.id = query.getColumn(3).getString();
      run.seed = query.getColumn(4).getInt64();
      run.recipe = query.getColumn(5).getString();
      const auto status = status_named(query.getColumn(6).getString());
      if (!status) continue;  // of another version of the program: the record is read
      run.status = *status;
      run.step = query.getColumn(7).getInt64();
      run.steps = query.getColumn(8).getInt64();
      run.parameters = query.getColumn(9).getInt64();
      run.resumes = query.getColumn(10).getInt64();
      run.started = query.getColumn(11).getDouble();
      run.seconds = query.getColumn(12).getDouble();
      run.message = query.getColumn(13).getString();
      run.metrics = metrics_of(read_json_or_null(query.getColumn(14).getString()));
      run.config = query.getColumn(15).getString();
      run.code = part_code_in({{"code", read_json_or_null(query.getColumn(16).getString())}});
      rows.emplace(run.folder, std::move(row));
    }
    return rows;
  }

  void keep(const std::vector<IndexRow>& changed, const std::vector<std::string>& gone) {
    if (changed.empty() && gone.empty()) return;
    SQLite::Transaction transaction(*database_);
    SQLite::Statement insert(*database_,
                             "INSERT OR REPLACE INTO runs VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (const auto& [stamp, run] : changed) {
      SQLite::bind(insert, run.folder, stamp.modified_ns, static_cast<int64_t>(stamp.bytes), run.id, run.seed, run.recipe,
                   word_of(run.status), run.step, run.steps, run.parameters, run.resumes, run.started,
                   run.seconds, run.message, json_text(metrics_json(run.metrics)), run.config,
                   json_text(part_code_json(run.code)));
      insert.exec();
      insert.reset();
    }
    SQLite::Statement erase(*database_, "DELETE FROM runs WHERE folder = ?");
    for (const std::string& folder : gone) {
      SQLite::bind(erase, folder);
      erase.exec();
      erase.reset();
    }
    transaction.commit();
  }

 private:
  void open(const fs::path& file) {
    constexpr int kWaitMs = 200;
    std::ofstream(file, std::ios::app);  // SQLite itself would make a file that the group may never write
    try {
      database_ = std::make_unique<SQLite::Database>(file.string(),
                                                     SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kWaitMs);
    } catch (const SQLite::Exception&) {  // a store that may only be read
      database_ = std::make_unique<SQLite::Database>(file.string(), SQLite::OPEN_READONLY, kWaitMs);
    }
    const int schema = database_->execAndGet("PRAGMA user_version").getInt();
    if (schema == kSchema) return;
    if (schema != 0) throw SQLite::Exception("its form is that of another version", SQLITE_NOTADB);
    database_->exec("PRAGMA synchronous = OFF");  // a cache: what a crash takes is read again
    SQLite::Transaction transaction(*database_);
    database_->exec(kTable);
    database_->exec("PRAGMA user_version = " + std::to_string(kSchema));
    transaction.commit();
  }

  std::unique_ptr<SQLite::Database> database_;
};

std::unique_ptr<IndexFile> open_index(const fs::path& file, IndexRows& rows,
                                      std::vector<std::string>& notices) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      auto index = std::make_unique<IndexFile>(file);
      rows = index->rows();
      return index;
    } catch (const SQLite::Exception& wrong) {
      rows.clear();
      const bool is_damaged = wrong.getErrorCode() == SQLITE_NOTADB || wrong.getErrorCode() == SQLITE_CORRUPT;
      notices.push_back(file.string() + ": index: " + wrong.what() +
                        (is_damaged ? "; made anew from the records" : "; the records are read instead"));
      std::error_code failed;
      if (!is_damaged || !fs::remove(file, failed)) return nullptr;
    }
  }
  return nullptr;
}

RunSummary summary_of_folder(const fs::path& folder) {
  const std::string name = folder.filename().string();
  try {
    const RunRecord run = read_record(folder / kRecordName);
    if (run.id.empty()) throw Error((folder / kRecordName).string(), "record: has no whole line");
    return summary_of(name, run);
  } catch (const Error& error) {
    return {.folder = name, .status = Status::damaged, .message = error.first().line()};
  }
}

}  // namespace

RunSummary summary_of(const std::string& folder, const RunRecord& run) {
  return {.folder = folder,
          .id = run.id,
          .recipe = run.recipe,
          .seed = run.seed,
          .status = run.status,
          .message = run.message,
          .step = run.step,
          .steps = run.steps,
          .parameters = run.parameters,
          .resumes = run.resumes,
          .started = run.started,
          .seconds = run.seconds,
          .metrics = run.metrics,
          .config = json_text(run.config),
          .code = run.code};
}

IndexReading read_index(const Store& store) {
  IndexReading reading;
  const std::vector<fs::path> folders = store.folders();
  if (folders.empty()) return reading;
  IndexRows rows;
  const auto index = open_index(store.root() / "index.sqlite", rows, reading.notices);
  std::vector<IndexRow> changed;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    const RecordSize stamp =
        record_size(folder / kRecordName);  // before reading: what comes later is read next time
    auto known = rows.find(name);
    if (known == rows.end() || known->second.stamp != stamp) {
      changed.push_back({stamp, summary_of_folder(folder)});
      reading.runs.push_back(changed.back().summary);
    } else {
      reading.runs.push_back(std::move(known->second.summary));
    }
    if (known != rows.end()) rows.erase(known);
    RunSummary& run = reading.runs.back();
    if (run.status == Status::running && !is_being_written(folder / kRecordName))
      run.status = Status::interrupted;
  }
  reading.records_read = static_cast<int64_t>(changed.size());
  std::vector<std::string> gone;
  for (const auto& [name, row] : rows) gone.push_back(name);
  try {
    if (index) index->keep(changed, gone);
  } catch (const SQLite::Exception& wrong) {
    reading.notices.push_back((store.root() / "index.sqlite").string() + ": index: " + wrong.what() +
                              "; not kept");
  }
  return reading;
}

IndexReading rebuild_index(const Store& store) {
  const fs::path file = store.root() / "index.sqlite";
  std::error_code failed;
  fs::remove(file, failed);
  if (failed) throw Error(file.string(), "cannot be made anew: " + failed.message());
  return read_index(store);
}

std::string leading_metric(const Metrics& metrics) {
  for (const char* name :
       {"valid.bpb", "valid.accuracy", "valid.loss", "test.bpb", "test.accuracy", "test.loss"})
    if (metrics.contains(name)) return name;
  for (const auto& [name, value] : metrics)
    if (!name.starts_with("train.") && !name.starts_with("model.")) return name;
  return "";
}

}  // namespace subband
