// `subband run --profile`, the whole program.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/json.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "runs/testing/scratch.h"

namespace subband::profiled_run_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::Scratch;

TEST_CASE("a profiled run trains as any other, and leaves a trace and a table by part", "[profiled_run]") {
  const char* program = std::getenv("SUBBAND_PROGRAM");
  if (program == nullptr || !fs::exists(program)) {
    WARN("skipped: SUBBAND_PROGRAM names no program");
    return;
  }
  const Scratch plain, profiled;
  const auto words = [&](const fs::path& store, const std::vector<std::string>& more) {
    std::vector<std::string> all = {program,           "run",
                                    "tinyshakespeare/wavelet", "net.width=16",
                                    "net.block.levels=2",      "trainer.steps=6",
                                    "trainer.batch=2",         "trainer.length=32",
                                    "trainer.protocols=[]",    "samples.tokens=0",
                                    "--json",                  "--quiet",
                                    "--store",                 store.string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto answer = [&](const std::vector<std::string>& command) {
    const fs::path out = plain / "answer.json";
    REQUIRE(Process::of(command, {.out = out}).wait() == 0);
    return read_json(read_file(out), "answer");
  };
  const Json without = answer(words(plain.path(), {})), with = answer(words(profiled.path(), {"--profile"}));
  CHECK(without.at("metrics").at("train.loss") == with.at("metrics").at("train.loss"));
  CHECK(without.at("id") == with.at("id"));
  const fs::path folder = fs::path(with.at("folder").get<std::string>()) / "profile";
  CHECK(read_file(folder / "table.txt").find("blocks.*.lifting") != std::string::npos);
  CHECK(read_json(read_file(folder / "trace.json"), "trace").at("traceEvents").size() > 100);
  const Json& profile = with.at("profile");
  CHECK(profile.at("first_step") == 3);
  CHECK(profile.at("steps") == 3);
  double sum = 0;
  for (const Json& row : profile.at("parts"))
    sum += row.at("forward_ms").get<double>() + row.at("backward_ms").get<double>();
  CHECK(sum == Approx(profile.at("step_ms").get<double>()));
  const Json again = answer(words(profiled.path(), {"--profile"}));
  CHECK(again.at("reused") == true);
  CHECK_FALSE(again.contains("profile"));
}

}  // namespace subband::profiled_run_test
