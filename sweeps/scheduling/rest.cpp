#include "sweeps/scheduling/rest.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

static fs::path rest_file(const fs::path& sweep_folder) { return sweep_folder / "waiting.txt"; }

std::string rest_of(const fs::path& sweep_folder) {
  try {
    return std::string(trim(read_file(rest_file(sweep_folder))));
  } catch (const Error&) {
    return "";
  }
}

void begin_rest(const fs::path& sweep_folder, const std::string& why) {
  try {
    write_file(rest_file(sweep_folder), why + "\n");
  } catch (const Error&) {  // whoever rests has an error of his own to tell
  }
}

void end_rest(const fs::path& sweep_folder) {
  std::error_code none;
  fs::remove(rest_file(sweep_folder), none);
}

static fs::path decisions_file(const fs::path& sweep_folder) { return sweep_folder / "undecided"; }

bool has_decisions(const fs::path& sweep_folder) {
  std::error_code none;
  return fs::exists(decisions_file(sweep_folder), none);
}

void begin_decisions(const fs::path& sweep_folder) {
  std::error_code none;
  fs::create_directories(sweep_folder, none);
  try {
    write_file(decisions_file(sweep_folder), "");
  } catch (const Error&) {  // of a store that may only be read
  }
}

void end_decisions(const fs::path& sweep_folder) {
  std::error_code none;
  fs::remove(decisions_file(sweep_folder), none);
}

}  // namespace subband
