// The built program with a part from outside: compiled, trained, refused. Skipped where the program is not built.
#include <cstdlib>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "core/testing/program.h"

namespace own_part_test {

using namespace subband;
namespace fs = std::filesystem;

static int run(std::vector<std::string> words, const fs::path& log) {
  words.insert(words.begin(), testing::built_program());
  testing::ProcessSetting setting;
  setting.out = log;
  setting.err = log.string() + ".err";
  return testing::Process::of(words, setting).wait();
}

static std::string replaced(std::string text, const std::string& old, const std::string& by) {
  for (size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += by.size()) text.replace(at, old.size(), by);
  return text;
}

TEST_CASE("a part outside the program is compiled, listed, trained, and named in the record", "[own_part]") {
  if (testing::lacks_program()) return;
  const TestFolder folder;
  const fs::path log = folder / "log", source = folder / "own_mean.cpp", object = folder / "own_mean.so";
  write_file(source, replaced(read_file(program_root() / "models/testing/new_mixer.cpp"), "past_mean", "own_mean"));
  REQUIRE(run({"build-part", source.string()}, log) == 0);
  CHECK_THAT(read_file(log), Catch::StartsWith(object.string() + ": mixer own_mean, code "));

  CHECK(run({"describe", "mixer", "own_mean", "--parts", object.string()}, log) == 0);
  CHECK_THAT(read_file(log), Catch::ContainsSubstring("# version: 1, code "));
  const std::vector<std::string> tiny = {"run", "tinyshakespeare/attention", "net.mixer=own_mean", "net.width=16",
                                         "net.layers=1", "trainer.steps=2", "trainer.batch=1", "trainer.evaluate_tokens=999",
                                         "samples.tokens=0", "--quiet", "--store", (folder / "store").string()};
  CHECK(run(tiny, log) == 2);  // without it there is no such mixer
  std::vector<std::string> with_part = tiny;
  with_part.insert(with_part.end(), {"--parts", object.string()});
  CHECK(run(with_part, log) == 0);
  CHECK(run({"runs", "list", "--json", "--store", (folder / "store").string()}, log) == 0);
  for (const auto& run_folder : fs::directory_iterator(folder / "store"))
    if (fs::exists(run_folder.path() / "record.jsonl"))
      CHECK_THAT(read_file(run_folder.path() / "record.jsonl"), Catch::ContainsSubstring("\"mixer:own_mean\":\""));

  write_file(object, replaced(read_file(object), "headers ", "headerz "));
  CHECK(run(with_part, log) == 1);
  CHECK_THAT(read_file(log.string() + ".err"), Catch::ContainsSubstring("was built for another program (headerz "));
  CHECK(run({"build-part", log.string()}, log) == 2);
  CHECK_THAT(read_file(log.string() + ".err"), Catch::ContainsSubstring("has no `namespace subband::KINDS::NAME`"));
}

}  // namespace own_part_test
