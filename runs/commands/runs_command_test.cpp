#include <iostream>
#include <sstream>

#include "core/testing/catch.h"
#include "runs/commands/commands.h"
#include "runs/record/record_line.h"
#include "runs/testing/example_run.h"
#include "runs/testing/scratch.h"

namespace subband::runs_command_test {

using testing::make_run;
using testing::Scratch;

struct CommandAnswer {
  int code = 0;
  std::string out, err;
  std::optional<std::filesystem::path> changed;
};

// What the command prints, and its exit code.
static CommandAnswer answer(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  std::streambuf* const stdout_buffer = std::cout.rdbuf(out.rdbuf());
  std::streambuf* const stderr_buffer = std::cerr.rdbuf(err.rdbuf());
  ChangedStore changed;
  const int code = command_runs(words, changed);
  std::cout.rdbuf(stdout_buffer);
  std::cerr.rdbuf(stderr_buffer);
  return {code, out.str(), err.str(), changed.root};
}

TEST_CASE("runs list --json is one document with every run", "[runs_command]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  make_run(store, {.name = "a", .seed = 1});
  make_run(store, {.name = "b", .seed = 2});
  const CommandAnswer list = answer({"list", "--json", "--store", store.root().string()});
  CHECK(list.code == 0);
  const RecordJson document = RecordJson::parse(list.out);
  REQUIRE(document["runs"].size() == 2);
  CHECK(document["runs"][0]["metrics"]["valid.bpb"] == 2.5);
  const std::string id = document["runs"][0]["id"];
  const CommandAnswer show = answer({"show", id.substr(0, 8), "--json", "--store", store.root().string()});
  CHECK(show.code == 0);
  CHECK(RecordJson::parse(show.out)["id"] == id);
}

TEST_CASE("a store that does not exist is named", "[runs_command]") {
  const CommandAnswer list = answer({"list", "--store", "nowhere/logs"});
  CHECK(list.code == 1);
  CHECK(list.err == "nowhere/logs: store: does not exist; the first run makes it: subband run RECIPE\n");
}

TEST_CASE("an unknown verb is the user's mistake, in JSON too", "[runs_command]") {
  CHECK(answer({"lst"}).code == 2);
  CHECK(answer({"lst"}).err ==
        "command line: runs lst: unknown; known: list, show, diff, verify, reindex, du, rm, merge\n");
  CHECK(RecordJson::parse(answer({"lst", "--json"}).out)["error"]["kind"] == "unknown_option");
}

TEST_CASE("reindex makes the index anew and names the store whose ledger follows", "[runs_command]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  make_run(store, {.name = "a", .seed = 1});
  const CommandAnswer reindex = answer({"reindex", "--json", "--store", store.root().string()});
  CHECK(reindex.code == 0);
  CHECK(RecordJson::parse(reindex.out)["runs"] == 1);
  CHECK(std::filesystem::exists(store.root() / "index.sqlite"));
  CHECK(reindex.changed == store.root());
  const CommandAnswer verify = answer({"verify", "--json", "--store", store.root().string()});
  CHECK(verify.code == 0);
  CHECK_FALSE(verify.changed);
}

}  // namespace subband::runs_command_test
