#include "experiments/training/machine.h"

#include "core/testing/catch.h"

namespace machine_test {
using namespace subband;

static const MachineTrace kMill{"AVX512",
                                {{"fwht", "loops", "avx512f", 7}, {"fwht", "reference", "forced", 1}}};

TEST_CASE("what ran survives a checkpoint, and a text of another program knows nothing", "[machine]") {
  const MachineTrace read = read_machine(machine_text(kMill));
  CHECK(read.instructions == "AVX512");
  REQUIRE(read.ops.size() == 2);
  CHECK(read.ops[0] == OpUse{"fwht", "loops", "avx512f", 0});
  CHECK(read_machine("").ops.empty());
  CHECK(read_machine("[1]").instructions.empty());
}

TEST_CASE("another instruction set and another path are differences, what is unknown is none", "[machine]") {
  using Words = std::vector<std::string>;
  CHECK(machine_differences(kMill, {"AVX2", {{"fwht", "loops", "avx2"}, {"causal_filter", "loops", ""}}}) ==
        Words{"instructions = AVX2: were AVX512",
              "fwht = loops (avx2): was loops (avx512f) and reference (forced)"});
  CHECK(machine_differences(kMill, {"AVX512", {{"fwht", "reference", "forced"}}}).empty());
  CHECK(machine_differences({}, kMill).empty());
}

TEST_CASE("a trace grows by what is new", "[machine]") {
  const MachineTrace both =
      merged(kMill, {"AVX2", {{"fwht", "loops", "avx2"}, {"fwht", "loops", "avx512f"}}});
  CHECK(both.instructions == "AVX2");
  CHECK(both.ops.size() == 3);
}

}  // namespace machine_test
