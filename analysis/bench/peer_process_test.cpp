#include "analysis/bench/peer_process.h"

#include "analysis/testing/named_python.h"
#include "core/error.h"
#include "core/files.h"
#include "core/temporaries.h"
#include "core/testing/catch.h"

namespace peer_process_test {

using namespace subband;
namespace fs = std::filesystem;

TEST_CASE("a peer answers line by line, and its complaint is an error", "[peer_process]") {
  PeerProcess peer({"sh", "-c", "echo '{\"loss\": 2.5}'; while read line; do echo \"{\\\"said\\\": \\\"$line\\\"}\"; done"});
  CHECK(peer.heard().at("loss") == 2.5);
  CHECK(peer.ask("step").at("said") == "step");
  PeerProcess lacking({"sh", "-c", "echo '{\"error\": \"this peer has no rope\"}'"});
  CHECK_THROWS_WITH(lacking.heard(), "sh: this peer has no rope");
}

TEST_CASE("a command that fails is told with the last that it said", "[peer_process]") {
  const fs::path log = fs::temp_directory_path() / temporary_name("subband_peer_process");
  run_to_end({"sh", "-c", "echo well"}, log);
  CHECK(read_file(log) == "well\n");
  CHECK_THROWS_WITH(run_to_end({"sh", "-c", "echo no such cell >&2; exit 3"}, log), "sh: has failed: well\nno such cell\n");
  const fs::path answer = log.string() + "_answer";
  for (int time = 0; time < 2; ++time) run_to_end({"sh", "-c", "echo '{}'; echo slowly >&2"}, log, answer);
  CHECK(read_file(answer) == "{}\n");
  CHECK(read_file(log) == "well\nno such cell\nslowly\nslowly\n");
  fs::remove(log);
  fs::remove(answer);
}

TEST_CASE("a Python that is named is the only one that is tried", "[peer_process]") {
  const testing::NamedPython named("/nowhere/python3");
  std::string why;
  CHECK(python_with_torch(".", why, ", hydra").empty());
  CHECK(why == "SUBBAND_PEERS = /nowhere/python3: is no Python that can import torch, hydra");
}

}  // namespace peer_process_test
