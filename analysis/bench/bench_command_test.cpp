#include "analysis/commands/commands.h"
#include "core/json.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "runs/testing/answer.h"

namespace bench_command_test {

using namespace subband;

static testing::Answer bench(std::vector<std::string> words) { return testing::answer_of(command_bench, words); }

TEST_CASE("a bench judges its figures by the targets, in any format", "[bench][bench_command]") {
  const TestFolder folder;
  const std::vector<std::string> words = {"mixers", "fnet", "--lengths", "32,64", "--width", "16", "--budget", "2",
                                          "--device", "cpu", "--quiet", "--store", folder.path().string(),
                                          "--target", "fnet at 64/32<=1000", "--target", "PyTorch/*>=1"};
  std::vector<std::string> as_page = words, as_json = words;
  as_page.insert(as_page.end(), {"--format", "md"});
  as_json.emplace_back("--json");
  const testing::Answer page = bench(as_page);
  CHECK(page.code == 0);
  CHECK_THAT(page.out, Catch::ContainsSubstring("| fnet at 64/32 |"));
  CHECK_THAT(page.out, Catch::ContainsSubstring("| ≤ 1000 | met |"));
  CHECK_THAT(page.out, Catch::ContainsSubstring("| – | ≥ 1 | not measured |"));
  const Json document = read_json(bench(as_json).out, "answer");
  CHECK(document.at("cells").size() == 3 * 2);
  CHECK(document.at("targets")[0].at("verdict") == "met");
}

TEST_CASE("what cannot be benched is refused before anything is measured", "[bench][bench_command]") {
  CHECK_THAT(bench({"mixer"}).err, Catch::ContainsSubstring("mixer: cannot be benched; did you mean 'mixers'?"));
  CHECK_THAT(bench({"step"}).err, Catch::ContainsSubstring("WHAT = step: needs a recipe"));
  CHECK_THAT(bench({"former", "program"}).err, Catch::ContainsSubstring("WHAT = former: needs the file of a former program"));
  const testing::Answer sign = bench({"ops", "--target", "fwht=2"});
  CHECK(sign.code == 2);
  CHECK_THAT(sign.err, Catch::ContainsSubstring("--target = fwht=2: must be a figure, `>=` or `<=`, and a number"));
  CHECK_THAT(bench({"ops", "--format", "pdf"}).err, Catch::ContainsSubstring("--format = pdf: unknown format"));
}

}  // namespace bench_command_test
