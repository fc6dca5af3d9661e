#include "runs/record/program_version.h"

#include "core/testing/catch.h"

namespace subband::program_version_test {

TEST_CASE("the version text begins with the version and names the commit in short", "[program_version]") {
  const ProgramVersion now = program_version();
  const std::string text = program_version_text();
  CHECK(text.starts_with(now.version));
  CHECK((now.commit == "unknown" || text.find(" (" + now.commit.substr(0, 7)) == now.version.size()));
  CHECK(text.ends_with(", changed)") == (now.changes > 0));
}

}  // namespace subband::program_version_test
