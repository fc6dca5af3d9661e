#include "runs/commands/verify.h"

#include <fstream>

#include "core/files.h"
#include "core/testing/catch.h"
#include "runs/testing/example_run.h"
#include "runs/testing/scratch.h"

namespace subband::verify_test {

using testing::make_run;
using testing::Scratch;

TEST_CASE("verification counts whole lines, notes torn ones and names every damaged record", "[verify]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const auto whole = make_run(store, {.name = "a", .seed = 1});
  const auto torn = make_run(store, {.name = "b", .seed = 2});
  const auto damaged = make_run(store, {.name = "c", .seed = 3});
  const auto renamed = make_run(store, {.name = "d", .seed = 4});
  std::ofstream(torn / kRecordName, std::ios::app) << "{\"seq";
  std::string text = read_file(damaged / kRecordName);
  text[text.find('\n') + 5] ^= 1;
  std::ofstream(damaged / kRecordName, std::ios::trunc) << text;
  std::filesystem::rename(renamed, scratch / "logs/2026-01-01_x_00000000-s4");
  const Verification result = verify_runs(store.folders());
  CHECK(result.runs == 4);
  CHECK(result.lines == 3 * 11);
  REQUIRE(result.notices.size() == 1);
  CHECK(result.notices[0].starts_with((torn / kRecordName).string() + ":12: torn line = 5 bytes"));
  REQUIRE(result.problems.size() == 2);
  CHECK_FALSE(result.problems[0].place.find("00000000") == std::string::npos);
  CHECK(result.problems[1].place == (damaged / kRecordName).string() + ":2");
  CHECK(verify_runs({whole}).problems.empty());
}

}  // namespace subband::verify_test
