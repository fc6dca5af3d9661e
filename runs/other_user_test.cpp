// A store that may be read and not written: one of another user, and one on a file system that was mounted to be read.
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "core/testing/program.h"
#include "runs/store.h"
#include "runs/testing/scratch.h"

namespace subband::other_user_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::Scratch;

static int shell_code(const std::string& script) { return Process::of({"sh", "-c", script}).wait(); }

// A surrounding in which `store` cannot be written. `prefix` runs a script, its one argument, there.
struct Surrounding {
  std::string name, prefix, before;
};

static Surrounding another_user() {
  return {"another user", "setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ sh -ec ", ""};
}
static Surrounding read_only_mount(const fs::path& store) {
  const std::string path = "\"" + store.string() + "\"";
  return {"a read-only mount", "unshare --user --map-root-user --mount sh -ec ",
          "mount --bind " + path + " " + path + "; mount -o remount,bind,ro " + path + "; "};
}

struct Answer {
  int code = 0;
  std::string out, err;
};

static Answer answer_in(const Surrounding& there, const Scratch& scratch, const std::string& words) {
  const std::string out = (scratch / "out").string(), err = (scratch / "err").string();
  const int code = shell_code(there.prefix + "'" + there.before + "cd /; \"" + testing::built_program() + "\" " + words +
                              "' >\"" + out + "\" 2>\"" + err + "\"");
  return {code, read_file(out), read_file(err)};
}

static bool is_possible(const Surrounding& there) {
  if (shell_code(there.prefix + "'" + there.before + "test -x \"" + testing::built_program() + "\"' 2>/dev/null") == 0)
    return true;
  WARN("skipped for " << there.name << ": this system, or the folder of the program, does not allow it");
  return false;
}

static const char* const kTinyRun =
    "run tinyshakespeare/attention net.width=16 net.mixer.heads=2 net.layers=1 trainer.steps=2 trainer.batch=2 "
    "trainer.length=32 samples.tokens=0 \"trainer.protocols=[]\" --store ";

TEST_CASE("a store that cannot be written answers every question, and refuses a run in one line", "[other_user]") {
  if (testing::lacks_program()) return;
  const Scratch scratch;
  fs::permissions(scratch.path(), fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                      fs::perms::others_read | fs::perms::others_exec);
  const fs::path store = scratch / "logs";
  REQUIRE(shell_code("'" + testing::built_program() + "' " + kTinyRun + "'" + store.string() + "' --quiet >/dev/null") == 0);
  const std::string run = Store(store).folders().at(0).filename().string(), in_store = " --store \"" + store.string() + "\"";
  const std::string before = read_file(store / "runs.md");
  for (const Surrounding& there : {another_user(), read_only_mount(store)}) {
    CAPTURE(there.name);
    if (!is_possible(there)) continue;
    for (const std::string words : {"runs list", "runs verify", "report --all"})
      CHECK(answer_in(there, scratch, words + in_store).code == 0);
    const Answer shown = answer_in(there, scratch, "runs show " + run + in_store);
    CHECK(shown.code == 0);
    CHECK_THAT(shown.out, Catch::ContainsSubstring("done at step 2"));
    // The same run again is there already; another one has no place.
    CHECK(answer_in(there, scratch, kTinyRun + in_store.substr(9)).code == 0);
    const Answer refused = answer_in(there, scratch, std::string(kTinyRun) + in_store.substr(9) + " seed=2 --quiet");
    CAPTURE(refused.out, refused.err);
    CHECK(refused.code == 1);
    CHECK(refused.err.find(store.string()) != std::string::npos);
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  }
  CHECK(read_file(store / "runs.md") == before);
  CHECK(Store(store).folders().size() == 1);
}

}  // namespace subband::other_user_test
