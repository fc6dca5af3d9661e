#include "runs/record/provenance.h"

#include <unistd.h>

#include "core/testing/catch.h"

namespace subband::provenance_test {

TEST_CASE("provenance names program, compiler, machine, process and command line", "[provenance]") {
  const std::vector<std::string> command = {"subband", "run", "tiny/wavelet"};
  const RecordJson object = program_provenance(command);
  for (const char* key : {"version", "commit", "compiler", "build", "cpu", "host", "system", "time"})
    CHECK_FALSE(text_in(object, key).empty());
  CHECK(object["process"] == ::getpid());
  CHECK(object["cores"].get<int64_t>() > 0);
  CHECK(object["command"] == "subband run tiny/wavelet");
  const std::string time = object["time"];
  CHECK(time.size() == 20);
  CHECK(time.back() == 'Z');
}

}  // namespace subband::provenance_test
