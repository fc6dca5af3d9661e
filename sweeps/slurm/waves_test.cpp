#include "sweeps/slurm/waves.h"

#include "core/testing/catch.h"

namespace subband::slurm_waves_test {

TEST_CASE("cells that ask for the same are one array, as far as an array may go", "[slurm]") {
  std::vector<slurm::WaveItem> items;
  for (int i = 0; i < 7; ++i)
    items.push_back({.task = "t" + std::to_string(i), .until = {}, .needs = {.threads = i % 2 == 0 ? 1 : 4}});
  const auto arrays = slurm::wave_arrays(items, {}, 3);
  REQUIRE(arrays.size() == 3);
  CHECK(arrays[0].count == 3);
  CHECK(arrays[1].first == 3);
  CHECK(arrays[1].count == 1);
  CHECK(arrays[2].count == 3);
  CHECK(items[0].task == "t0");
  CHECK(items[4].task == "t1");
  CHECK(arrays[2].options[1] == "--cpus-per-task=4");
}

}  // namespace subband::slurm_waves_test
