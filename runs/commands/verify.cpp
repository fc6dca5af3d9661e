#include "runs/commands/verify.h"

namespace subband {

namespace fs = std::filesystem;

static void verify_run(const fs::path& folder, Verification& result) {
  const fs::path file = folder / kRecordName;
  const RecordFile record = read_record_file(file);
  result.lines += static_cast<int64_t>(record.events.size());
  if (!record.torn.empty()) result.notices.push_back(record.torn);
  if (record.events.empty()) throw Error(Problem{file.string(), "record: has no whole line", "damaged"});
  const std::string id = text_in(record.events.front(), "id");
  const std::string name = folder.filename().string();
  const std::string told = "_" + id.substr(0, 8);
  if (id.empty() || name.find(told) == std::string::npos)
    throw Error(
        Problem{file.string(), "id = " + id.substr(0, 16) + ": does not fit the folder's name", "damaged"});
}

Verification verify_runs(const std::vector<fs::path>& folders) {
  Verification result;
  for (const fs::path& folder : folders) {
    ++result.runs;
    try {
      verify_run(folder, result);
    } catch (const Error& error) {
      result.problems.insert(result.problems.end(), error.problems().begin(), error.problems().end());
    }
  }
  return result;
}

}  // namespace subband
