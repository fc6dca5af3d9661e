#include "runs/index.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <SQLiteCpp/VariadicBind.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <future>
#include <map>
#include <memory>

#include "core/error.h"
#include "core/json.h"
#include "runs/other_code.h"
#include "runs/settings_text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr int kSchema = 3;  // another number: the index is made anew
constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS runs(folder TEXT PRIMARY KEY, modified INTEGER, size INTEGER, id TEXT, seed "
    "INTEGER,"
    " recipe TEXT, status TEXT, step INTEGER, steps INTEGER, parameters INTEGER, resumes INTEGER, started "
    "REAL,"
    " seconds REAL, message TEXT, metrics TEXT, code TEXT);"
    "CREATE TABLE IF NOT EXISTS configs(folder TEXT PRIMARY KEY, config TEXT);"
    "CREATE TABLE IF NOT EXISTS leaves(number INTEGER PRIMARY KEY, leaf TEXT);"
    "CREATE TABLE IF NOT EXISTS leaves_of_runs(folder TEXT PRIMARY KEY, numbers BLOB)";

struct IndexRow {
  RecordSize stamp;
  RunSummary summary;
};
using IndexRows = std::map<std::string, IndexRow>;

// `valid.bpb=2.5`, one a line: read ten times as fast as JSON.
std::string metric_lines(const Metrics& metrics) {
  std::string lines;
  for (const auto& [name, value] : metrics) fmt::format_to(std::back_inserter(lines), "{}={}\n", name, value);
  return lines;
}

Metrics metrics_in(std::string_view lines) {
  Metrics metrics;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size() - 1);
    const std::string_view line = lines.substr(0, end);
    const size_t sign = line.rfind('=');
    double value = 0;
    if (sign != std::string_view::npos &&
        std::from_chars(line.data() + sign + 1, line.data() + line.size(), value).ec == std::errc())
      metrics.emplace_hint(metrics.end(), line.substr(0, sign), value);
    lines.remove_prefix(end + 1);
  }
  return metrics;
}

// By their numbers, which go up from 0.
std::vector<std::string> leaves_of(SQLite::Database& database) {
  std::vector<std::string> leaves;
  SQLite::Statement query(database, "SELECT leaf FROM leaves ORDER BY number");
  while (query.executeStep()) leaves.push_back(query.getColumn(0).getString());
  return leaves;
}

// Writes runs' leaves inside a transaction; those that are new get the next numbers.
class LeafNumbers {
 public:
  explicit LeafNumbers(SQLite::Database& database)
      : database_(database),
        insert_leaf_(database, "INSERT INTO leaves VALUES(?,?)"),
        insert_run_(database, "INSERT OR REPLACE INTO leaves_of_runs VALUES(?,?)") {}

  /// The first call after another write: then nobody else numbers.
  void write(const std::string& folder, const std::string& config) {
    if (!is_read_) {
      for (std::string& leaf : leaves_of(database_)) numbers_.emplace(std::move(leaf), static_cast<int32_t>(numbers_.size()));
      is_read_ = true;
    }
    const std::string text = settings_text(read_json_or_null(config));
    std::vector<int32_t> numbers;
    for (const std::string_view leaf : settings_in(text)) numbers.push_back(number_of_leaf(std::string(leaf)));
    insert_run_.bind(1, folder);
    insert_run_.bind(2, numbers.data(), static_cast<int>(numbers.size() * sizeof(int32_t)));
    insert_run_.exec();
    insert_run_.reset();
  }

 private:
  int32_t number_of_leaf(const std::string& leaf) {
    const auto [found, is_new] = numbers_.emplace(leaf, static_cast<int32_t>(numbers_.size()));
    if (is_new) {
      SQLite::bind(insert_leaf_, found->second, leaf);
      insert_leaf_.exec();
      insert_leaf_.reset();
    }
    return found->second;
  }

  SQLite::Database& database_;
  SQLite::Statement insert_leaf_, insert_run_;
  std::map<std::string, int32_t> numbers_;
  bool is_read_ = false;
};

// The tables of the file. Its failures are SQLite::Exception, and never fatal to a reader.
class IndexFile {
 public:
  explicit IndexFile(const fs::path& file) { open(file); }

  IndexRows rows(const IndexWants& wants) {
    IndexRows rows = summaries(wants.code);
    if (wants.configs) {
      SQLite::Statement query(*database_, "SELECT folder, config FROM configs");
      while (query.executeStep())
        if (const auto row = rows.find(query.getColumn(0).getString()); row != rows.end())
          row->second.summary.config = query.getColumn(1).getString();
    }
    if (wants.leaves) add_leaves(rows);
    return rows;
  }

  void keep(const std::vector<IndexRow>& changed, const std::vector<std::string>& gone) {
    if (changed.empty() && gone.empty()) return;
    SQLite::Transaction transaction(*database_);
    SQLite::Statement insert(*database_, "INSERT OR REPLACE INTO runs VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    SQLite::Statement config(*database_, "INSERT OR REPLACE INTO configs VALUES(?,?)");
    LeafNumbers leaves(*database_);
    for (const auto& [stamp, run] : changed) {
      write(insert, run.folder, stamp.modified_ns, static_cast<int64_t>(stamp.bytes), run.id, run.seed, run.recipe,
            word_of(run.status), run.step, run.steps, run.parameters, run.resumes, run.started, run.seconds, run.message,
            metric_lines(run.metrics), json_text(part_code_json(run.code)));
      write(config, run.folder, run.config);
      leaves.write(run.folder, run.config);
    }
    for (const char* table : {"runs", "configs", "leaves_of_runs"}) {
      SQLite::Statement erase(*database_, std::string("DELETE FROM ") + table + " WHERE folder = ?");
      for (const std::string& folder : gone) write(erase, folder);
    }
    transaction.commit();
  }

 private:
  template <class... Values>
  static void write(SQLite::Statement& statement, const Values&... values) {
    SQLite::bind(statement, values...);
    statement.exec();
    statement.reset();
  }

  void add_leaves(IndexRows& rows) {
    const auto all = std::make_shared<std::vector<std::string>>(leaves_of(*database_));
    SQLite::Statement query(*database_, "SELECT folder, numbers FROM leaves_of_runs");
    while (query.executeStep()) {
      const auto row = rows.find(query.getColumn(0).getString());
      if (row == rows.end()) continue;
      const SQLite::Column column = query.getColumn(1);
      std::vector<int32_t> numbers(static_cast<size_t>(column.getBytes()) / sizeof(int32_t));
      if (!numbers.empty()) std::memcpy(numbers.data(), column.getBlob(), numbers.size() * sizeof(int32_t));
      const auto is_known = [&](int32_t number) { return number >= 0 && static_cast<size_t>(number) < all->size(); };
      if (std::ranges::all_of(numbers, is_known)) row->second.summary.leaves = {all, std::move(numbers)};
    }
  }

  IndexRows summaries(bool with_code) {
    IndexRows rows;
    std::string code_text;  // that of most runs is the same
    PartCode code;
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
      run.metrics = metrics_in(query.getColumn(14).getText());
      if (const std::string_view text = with_code ? query.getColumn(15).getText() : ""; text != code_text)
        code_text = text, code = part_code_in({{"code", read_json_or_null(code_text)}});
      run.code = code;
      rows.emplace(run.folder, std::move(row));
    }
    return rows;
  }

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

std::unique_ptr<IndexFile> open_index(const fs::path& file, const IndexWants& wants, IndexRows& rows,
                                      std::vector<std::string>& notices) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      auto index = std::make_unique<IndexFile>(file);
      rows = index->rows(wants);
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

IndexReading read_index(const Store& store, const IndexWants& wants) {
  IndexReading reading;
  const std::vector<fs::path> folders = store.folders();
  if (folders.empty()) return reading;
  // Before reading: what comes later is read next time. Beside the index, for of thousands both take their time.
  auto later_stamps = std::async(std::launch::async, [&] {
    std::vector<RecordSize> stamps;
    for (const fs::path& folder : folders) stamps.push_back(record_size(folder / kRecordName));
    return stamps;
  });
  IndexRows rows;
  const auto index = open_index(store.root() / "index.sqlite", wants, rows, reading.notices);
  const std::vector<RecordSize> stamps = later_stamps.get();
  std::vector<IndexRow> changed;
  reading.runs.reserve(folders.size());
  for (size_t i = 0; i < folders.size(); ++i) {
    const fs::path& folder = folders[i];
    const std::string name = folder.filename().string();
    const RecordSize stamp = stamps[i];
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
