#include "sweeps/slurm/bundle.h"

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace subband::slurm_bundle_test {

namespace fs = std::filesystem;

static slurm::BundleSource small_program(const TestFolder& folder) {
  write_file(folder / "build/subband", "program");
  write_file(folder / "build/libsubband_laboratory.so", "library");
  write_file(folder / "root/sweeps/quickstart.yaml", "base: a\n");
  write_file(folder / "root/sweeps/plan.cpp", "int x;\n");
  return {.program = folder / "build/subband", .root = folder / "root"};
}

TEST_CASE("a bundle holds the program and its presets, once for each state of them", "[slurm]") {
  const TestFolder folder;
  for (const char* each : {"build", "root/sweeps", "bundles"}) fs::create_directories(folder / each);
  const auto source = small_program(folder);
  const fs::path bundle = slurm::make_bundle(folder / "bundles", source);
  CHECK(read_file(bundle / "subband") == "program");
  CHECK(read_file(bundle / "root/sweeps/quickstart.yaml") == "base: a\n");
  CHECK_FALSE(fs::exists(bundle / "root/sweeps/plan.cpp"));
  CHECK(slurm::make_bundle(folder / "bundles", source) == bundle);
  write_file(folder / "root/sweeps/quickstart.yaml", "base: b\n");
  CHECK(slurm::make_bundle(folder / "bundles", source) != bundle);
}

TEST_CASE("a job refuses another program than the one that was submitted, in a sentence", "[slurm]") {
  const TestFolder folder;
  for (const char* each : {"build", "root/sweeps", "bundles"}) fs::create_directories(folder / each);
  const auto source = small_program(folder);
  const fs::path bundle = slurm::make_bundle(folder / "bundles", source);
  slurm::expect_bundle(bundle, source);
  slurm::expect_bundle(bundle, {.program = bundle / "subband", .root = bundle / "root"});
  write_file(folder / "build/subband", "another");
  CHECK_THROWS_WITH(
      slurm::expect_bundle(bundle, source),
      Catch::StartsWith("bundle: subband: sha256 = ") &&
          Catch::EndsWith(" when the sweep was submitted; submit it again to run with this one"));
}

}  // namespace subband::slurm_bundle_test
