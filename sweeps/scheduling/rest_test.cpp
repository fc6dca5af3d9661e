#include "sweeps/scheduling/rest.h"

#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace subband::rest_test {

TEST_CASE("a sweep waits from the moment it is noted until somebody goes on with it", "[rest]") {
  const TestFolder folder;
  CHECK(rest_of(folder.path()).empty());
  begin_rest(folder.path(), "slurm: sbatch: access denied");
  CHECK(rest_of(folder.path()) == "slurm: sbatch: access denied");
  end_rest(folder.path());
  CHECK(rest_of(folder.path()).empty());
  end_rest(folder.path());
  CHECK_NOTHROW(begin_rest("/proc/nowhere", "cannot be written"));
  CHECK(rest_of("/proc/nowhere").empty());
}

}  // namespace subband::rest_test
