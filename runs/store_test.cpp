#include "runs/store.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "runs/index.h"
#include "runs/testing/scratch.h"

namespace subband::store_test {

namespace fs = std::filesystem;
using config::Node;
using testing::Scratch;

static RunStart example_start(const std::string& name, int64_t seed) {
  return {.id = sha256_hex(name),
          .recipe = "tiny/wavelet",
          .seed = seed,
          .config = {{"width", 8}},
          .parts = RecordJson::object(),
          .data = RecordJson::object(),
          .provenance = {{"process", 71}}};
}

static Node example_resolved() {
  Node node = Node::map();
  node.set("width", Node(int64_t{8}));
  return node;
}

TEST_CASE("a run's folder is named after date, recipe, identity and seed and holds its config", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const OpenRun run = store.open_or_create(example_start("a", 3), example_resolved());
  CHECK(run.is_new);
  const std::string name = run.folder.filename().string();
  CHECK(name.substr(4, 1) == "-");
  CHECK(name.substr(10) == "_tiny-wavelet_" + sha256_hex("a").substr(0, 8) + "-s3");
  CHECK(read_file(run.folder / "config.yaml") ==
        "# tiny/wavelet, seed 3\n# identity " + sha256_hex("a") + "\nwidth: 8  # default\n");
  CHECK(read_record(run.folder / "record.jsonl").id == sha256_hex("a"));
}

TEST_CASE("identity and seed find the run again, and only both", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  fs::path folder;
  { folder = store.open_or_create(example_start("a", 3), example_resolved()).folder; }
  CHECK(store.find(sha256_hex("a"), 3) == folder);
  CHECK_FALSE(store.find(sha256_hex("a"), 4));
  CHECK_FALSE(store.find(sha256_hex("b"), 3));
  const OpenRun again = store.open_or_create(example_start("a", 3), example_resolved());
  CHECK_FALSE(again.is_new);
  CHECK(again.folder == folder);
  CHECK(store.folders().size() == 1);
}

TEST_CASE("two identities that begin alike get folders of their own", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  RunStart twin = example_start("a", 3);
  const OpenRun first = store.open_or_create(twin, example_resolved());
  twin.id = twin.id.substr(0, 10) + std::string(54, '0');
  const OpenRun second = store.open_or_create(twin, example_resolved());
  CHECK(first.folder != second.folder);
  CHECK(store.find(twin.id, 3) == second.folder);
  CHECK(store.find(sha256_hex("a"), 3) == first.folder);
}

TEST_CASE("a person finds a run by path, name, or the start of its identity", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const fs::path first = store.open_or_create(example_start("a", 3), example_resolved()).folder;
  const fs::path second = store.open_or_create(example_start("a", 4), example_resolved()).folder;
  const std::string id8 = sha256_hex("a").substr(0, 8);
  CHECK(store.resolve(first.string()) == first);
  CHECK(store.resolve(first.filename().string()) == first);
  CHECK(store.resolve(id8 + "-s4") == second);
  CHECK(store.resolve(sha256_hex("a") + "-s4") == second);
  CHECK_THROWS_WITH(store.resolve("feed"), store.root().string() +
                                               ": run = feed: no run has this name or identity; see "
                                               "subband runs list");
  CHECK_THROWS_WITH(store.resolve(id8), store.root().string() + ": run = " + id8 + ": several runs match: " +
                                            first.filename().string() + ", " + second.filename().string());
}

TEST_CASE("any beginning of an identity names a run where no other begins so", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  const fs::path only = store.open_or_create(example_start("a", 3), example_resolved()).folder;
  const std::string id = sha256_hex("a");
  for (const size_t length : {1, 4, 8, 9, 40, 64}) CHECK(store.resolve(id.substr(0, length)) == only);
  CHECK(store.resolve(id + "-s3") == only);
  CHECK_THROWS_AS(store.resolve(id.substr(0, 40) + "0000"), ConfigError);
  CHECK_THROWS_AS(store.resolve(id + "-s4"), ConfigError);
  CHECK_THROWS_AS(store.resolve(""), ConfigError);
}

TEST_CASE("what a killed process left unnamed is cleared away", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  write_file(scratch / "logs/.new-1/record.jsonl", "{\"seq\":0");
  CHECK(store.folders().empty());
  (void)store.open_or_create(example_start("a", 3), example_resolved());
  CHECK_FALSE(fs::exists(scratch / "logs/.new-1"));
  CHECK(store.folders().size() == 1);
}

TEST_CASE("a run that is set aside is kept, and not found any more", "[store]") {
  const Scratch scratch;
  const Store store(scratch / "logs");
  for (int round = 0; round < 2; ++round) {
    const fs::path folder = store.open_or_create(example_start("a", 3), example_resolved()).folder;
    CHECK(fs::exists(store.set_aside(folder) / "record.jsonl"));
    CHECK_FALSE(store.find(sha256_hex("a"), 3));
  }
  CHECK(std::distance(fs::directory_iterator(scratch / "logs/replaced"), {}) == 2);
}

// Runs `body`, which returns the line of the error it met, in a process of its own.
template <class Body>
static std::string error_in_child(const Scratch& scratch, const Body& body) {
  const fs::path answer = scratch / "answer.txt";
  std::ofstream stream(answer);
  testing::Process child = testing::Process::of([&] {
    std::string line = "no error";
    try {
      body();
    } catch (const Error& error) {
      line = error.first().line();
    }
    ::signal(SIGXFSZ, SIG_IGN);
    stream << line << std::flush;
    return 0;
  });
  child.wait();
  return read_file(answer);
}

TEST_CASE("a store without write permission is refused with the reason of the system", "[store]") {
  const Scratch scratch;
  fs::permissions(scratch.path(), fs::perms(0755));
  fs::create_directories(scratch / "logs");
  fs::permissions(scratch / "logs", fs::perms(0555));
  const std::string line = error_in_child(scratch, [&] {
    if (::getuid() == 0 && ::seteuid(65534) != 0) throw Error("test", "cannot become nobody");
    (void)Store(scratch / "logs").open_or_create(example_start("a", 3), example_resolved());
  });
  CHECK(line == (scratch / "logs").string() + ": store cannot be written: Permission denied");
}

// Files below a folder that have other permissions.
static std::string files_without(const fs::path& folder, fs::perms permissions) {
  std::string others;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.status().permissions() != permissions)
      others += entry.path().filename().string() + " ";
  return others;
}

TEST_CASE("the umask alone says who may read and write the files of a store", "[store]") {
  for (const mode_t mask : {0002, 0027, 0077}) {
    const Scratch scratch;
    const fs::path logs = scratch / "logs";
    testing::Process child = testing::Process::of([&] {
      ::umask(mask);
      const Store store(logs);
      const fs::path folder = store.open_or_create(example_start("a", 3), example_resolved()).folder;
      write_file(folder / "lease.0", R"({"generation":0,"machine":"other","released":true})");
      RecordWriter record(folder / kRecordName);  // the next generation
      return read_index(store).notices.empty() && fs::exists(folder / "record.1.jsonl") ? 0 : 1;
    });
    CHECK(child.wait() == 0);
    CAPTURE(mask);
    CHECK(files_without(logs, fs::perms(0666 & ~mask)) == "");
  }
}

TEST_CASE("a full disk leaves nothing under a final name", "[store]") {
  const Scratch scratch;
  const std::string line = error_in_child(scratch, [&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200, 200};  // a file limit stands for the full disk
    ::setrlimit(RLIMIT_FSIZE, &limit);
    (void)Store(scratch / "logs").open_or_create(example_start("a", 3), example_resolved());
  });
  CHECK_THAT(line, Catch::EndsWith("record.jsonl: cannot be written: File too large"));
  CHECK(Store(scratch / "logs").folders().empty());
  for (const auto& entry : fs::directory_iterator(scratch / "logs"))
    CHECK(entry.path().filename() == ".lock");
}

}  // namespace subband::store_test
