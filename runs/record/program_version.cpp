// Compiled by itself, for the generated header is another one after every commit.
#include "runs/record/program_version.h"

#include "built_from.h"

namespace subband {

ProgramVersion program_version() { return {SUBBAND_VERSION, SUBBAND_COMMIT, SUBBAND_CHANGES, SUBBAND_BUILD}; }

std::string program_version_text() {
  const auto [version, commit, changes, build] = program_version();
  if (commit == "unknown") return version;
  return version + " (" + commit.substr(0, 7) + (changes > 0 ? ", changed)" : ")");
}

}  // namespace subband
