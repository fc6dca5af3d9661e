#include "runs/record/record_writer.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/process.h"
#include "runs/testing/scratch.h"

namespace subband::record_writer_test {

namespace fs = std::filesystem;
using testing::Process;
using testing::Scratch;

TEST_CASE("a second writer is refused with the name of the first", "[record]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  RecordWriter first(file);
  CHECK_THROWS_WITH(RecordWriter(file), file.string() +
                                            ": record = locked: is being written by another process; "
                                            "wait for it or stop it");
  first.start({.id = "1",
               .recipe = "r",
               .config = RecordJson::object(),
               .parts = {},
               .data = {},
               .provenance = {{"process", 71}, {"host", "mill"}}});
  CHECK_THROWS_WITH(RecordWriter(file), file.string() +
                                            ": record = locked: is being written by process 71 on mill; "
                                            "wait for it or stop it");
  CHECK(is_being_written(file));
}

TEST_CASE("the lock ends with the writer, moved or not", "[record]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  {
    RecordWriter first(file);
    const RecordWriter second = std::move(first);
    CHECK(is_being_written(file));
  }
  CHECK_FALSE(is_being_written(file));
  CHECK_NOTHROW(RecordWriter(file));
}

TEST_CASE("a line that does not fit on the disk leaves the record as it was", "[record]") {
  const Scratch scratch;
  const fs::path file = scratch / "record.jsonl";
  { RecordWriter(file).append("note", {{"text", "first"}}, true); }
  const std::string before = read_file(file);
  Process child = Process::of([&] {
    std::signal(SIGXFSZ,
                SIG_IGN);  // a file limit stands for the full disk: write comes back short, then fails
    const rlimit limit{before.size() + 40, before.size() + 40};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    RecordWriter writer(file);
    try {
      writer.append("note", {{"text", std::string(100, 'x')}}, true);
    } catch (const Error& error) {
      return error.first().line() == file.string() + ": cannot be written: File too large" ? 0 : 2;
    }
    return 1;
  });
  CHECK(child.wait() == 0);
  CHECK(read_file(file) == before);
}

TEST_CASE("a record that cannot be made says where and why", "[record]") {
  const Scratch scratch;
  const fs::path file = scratch / "missing/record.jsonl";
  CHECK_THROWS_WITH(RecordWriter(file), file.string() + ": cannot be written: No such file or directory");
}

}  // namespace subband::record_writer_test
