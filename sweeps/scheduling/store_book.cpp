#include "sweeps/scheduling/store_book.h"

#include "core/error.h"
#include "sweeps/planning/packing.h"

namespace subband {

namespace fs = std::filesystem;

StoreBook::Known& StoreBook::known(size_t cell) {
  const PlannedCell& planned = plan_.cells[cell];
  const auto [found, is_new] = known_.try_emplace(Key{planned.id, planned.cell.seed});
  if (is_new && !planned.folder.empty()) found->second.folder = store_.root() / planned.folder;
  return found->second;
}

std::optional<fs::path> StoreBook::folder_of(size_t cell) {
  Known& each = known(cell);
  const PlannedCell& planned = plan_.cells[cell];
  std::error_code none;
  if (each.folder && !fs::exists(*each.folder, none)) each.folder.reset();  // set aside, and begun anew
  if (!each.folder) each.folder = store_.find(planned.id, planned.cell.seed);
  return each.folder;
}

std::optional<CellResult> StoreBook::in_store(size_t cell) {
  const auto folder = folder_of(cell);
  if (!folder) return std::nullopt;
  const RunRecord run = read_record(*folder / kRecordName);
  if (!is_settled(run.status)) return std::nullopt;
  return cell_result(run, {run.status, run.message});
}

std::optional<CellResult> StoreBook::settled(size_t cell) {
  if (plan_.cells[cell].state != Status::reused && !known(cell).is_settled) return std::nullopt;
  auto there = in_store(cell);
  if (there && there->outcome.status == Status::done) there->outcome.status = Status::reused;
  return there;
}

bool StoreBook::is_held(size_t cell) {
  Known& each = known(cell);
  const bool is_first = !std::exchange(each.was_asked, true);
  const auto folder =
      is_first ? each.folder : folder_of(cell);  // a store is not listed for every cell that is new
  return folder && is_being_written(*folder / kRecordName, sights_);
}

CellResult StoreBook::result(size_t cell, const CellOutcome& outcome) {
  const PlannedCell& planned = plan_.cells[cell];
  try {
    if (outcome.is_crash) record_crash(store_, planned.id, planned.cell.seed, outcome);
    const auto folder = folder_of(cell);
    if (!folder) return {.outcome = outcome};
    const RunRecord run = read_record(*folder / kRecordName);
    known(cell).is_settled = is_settled(run.status);
    return cell_result(run, outcome);
  } catch (const Error& error) {  // a record that cannot be read or written is no reason to lose the others
    CellOutcome worse = outcome;
    worse.message += (worse.message.empty() ? "" : "; ") + error.first().line();
    return {.outcome = worse};
  }
}

CellResult StoreBook::look(size_t cell) {
  const auto folder = folder_of(cell);
  if (!folder) return {.outcome = {.status = Status::fresh, .message = ""}};
  const RunRecord run = read_record(*folder / kRecordName);
  const Status status = run.status == Status::running ? Status::interrupted : run.status;
  return cell_result(run, {.status = status, .message = run.message});
}

SlotNeeds StoreBook::needs(size_t cell) { return slot_needs(plan_.cells[cell]); }

CellResult cell_result(const RunRecord& run, const CellOutcome& outcome) {
  return {.outcome = outcome, .step = run.step, .metrics = run.metrics, .evaluations = run.evaluations};
}

void record_crash(const Store& store, const std::string& id, int64_t seed, const CellOutcome& outcome) {
  const auto folder = store.find(id, seed);
  if (!folder) return;
  const RunRecord run = read_record(*folder / kRecordName);
  RecordWriter record(*folder / kRecordName);
  record.end(
      {.status = outcome.status, .step = run.step, .message = outcome.message, .metrics = run.metrics});
}

}  // namespace subband
