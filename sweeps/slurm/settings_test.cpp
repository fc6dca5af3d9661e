#include "sweeps/slurm/settings.h"

#include "core/testing/catch.h"
#include "core/testing/process.h"

namespace subband::slurm_settings_test {

using slurm::Settings;
using Words = std::vector<std::string>;

TEST_CASE("a job asks for what was predicted, with head room, or for what is written", "[slurm]") {
  const TaskNeeds needs{.threads = 2, .devices = 0, .memory_mib = 310, .seconds = 600};
  CHECK(slurm::resource_options({}, needs) == Words{"--ntasks=1", "--cpus-per-task=2", "--mem=1024M", "--time=32"});
  const Settings written{.account = "lab", .qos = "short", .options = {"--nice=5"}, .memory_mib = 2000, .minutes = 7};
  CHECK(slurm::resource_options(written, needs) == Words{"--ntasks=1", "--cpus-per-task=2", "--mem=2000M", "--time=7",
                                                         "--account=lab", "--qos=short", "--nice=5"});
  CHECK(slurm::resource_options({}, {.threads = 1, .devices = 1, .memory_mib = 9000}) ==
        Words{"--ntasks=1", "--cpus-per-task=1", "--gres=gpu:1"});
}

TEST_CASE("the script of a job array is one that bash reads, whatever its folders are called", "[slurm]") {
  const std::string script = slurm::array_script({.prologue = {"module load x"}},
                                                 {.bundle = "/a b/it's", .store = "/s", .tasks = "/t", .again = {"sweep", "a'b"}});
  CHECK(script.starts_with("#!/bin/bash\nmodule load x\nbundle='/a b/it'\\''s'\n"));
  CHECK(testing::Process::of(Words{"bash", "-n", "-c", script}).wait() == 0);
}

}  // namespace subband::slurm_settings_test
