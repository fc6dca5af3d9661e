#include "sweeps/slurm/settings.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"
#include "sweeps/scheduling/rest.h"

namespace subband::slurm_settings_test {

using slurm::Settings;
using Words = std::vector<std::string>;

TEST_CASE("a job asks for what was predicted, with head room, or for what is written", "[slurm]") {
  const TaskNeeds needs{.threads = 2, .devices = 0, .memory_mib = 310, .seconds = 600};
  CHECK(slurm::resource_options({}, needs) ==
        Words{"--ntasks=1", "--cpus-per-task=2", "--mem=1024M", "--time=32"});
  const Settings written{
      .account = "lab", .qos = "short", .options = {"--nice=5"}, .memory_mib = 2000, .minutes = 7};
  CHECK(slurm::resource_options(written, needs) == Words{"--ntasks=1", "--cpus-per-task=2", "--mem=2000M",
                                                         "--time=7", "--account=lab", "--qos=short",
                                                         "--nice=5"});
  CHECK(slurm::resource_options({}, {.threads = 1, .devices = 1, .memory_mib = 9000}) ==
        Words{"--ntasks=1", "--cpus-per-task=1", "--gres=gpu:1"});
}

TEST_CASE("the script of a job array is one that bash reads, whatever its folders are called", "[slurm]") {
  const std::string script =
      slurm::array_script({.prologue = {"module load x"}},
                          {.bundle = "/a b/it's", .store = "/s", .tasks = "/t", .again = {"sweep", "a'b"}});
  CHECK(script.starts_with("#!/bin/bash\nmodule load x\nbundle='/a b/it'\\''s'\n"));
  CHECK(testing::Process::of(Words{"bash", "-n", "-c", script}).wait() == 0);
}

// A folder with programs in the place of subband and scontrol, which write down how they are called.
struct FakeCluster {
  TestFolder folder;
  std::string script;

  explicit FakeCluster(const std::string& cell) {
    std::filesystem::create_directories(folder / "bin");
    const std::string calls = (folder / "calls").string();
    write_program("subband", "echo \"$1 ${2##*/}\" >>" + calls + "\ncase $1 in cell) " + cell + ";; esac\n");
    write_program("scontrol", "echo \"scontrol $*\" >>" + calls + "\n");
    write_program("squeue", "cat " + (folder / "waiting").string() + "\n");
    write_file(folder / "slurm/tasks", "t0.yaml\t\nt1.yaml\t40\nt2.yaml\t\n");
    write_file(folder / "slurm/tasks.submitted", "");
    wait_for("0 subband:ab:1:0\n1 subband:ab:1:0\n0 subband:ab:1:2\n");
    script = slurm::array_script({.retries = 2}, {.bundle = (folder / "bin").string(),
                                                  .store = "/s",
                                                  .tasks = (folder / "slurm/tasks").string(),
                                                  .elements = 3,
                                                  .comment = "subband:ab:1:",
                                                  .again = {"sweep", "grid"}});
  }
  void write_program(const std::string& name, const std::string& text) const {
    write_file(folder / "bin" / name, "#!/bin/bash\n" + text);
    std::filesystem::permissions(folder / "bin" / name, std::filesystem::perms::owner_all);
  }
  testing::Process start(int element) const {
    return testing::Process::of(
        Words{"bash", "-c", script},
        {.out = folder / "out",
         .err = folder / "err",
         .environment = {"SLURM_ARRAY_JOB_ID=12", "SLURM_ARRAY_TASK_ID=" + std::to_string(element),
                         "PATH=" + (folder / "bin").string() + ":" + std::getenv("PATH")}});
  }
  // What squeue tells from now on.
  void wait_for(const std::string& elements) const { write_file(folder / "waiting", elements); }
  std::string calls() const { return read_file(folder / "calls"); }
  std::string rest() const { return rest_of(folder.path()); }
};

TEST_CASE("whichever element of a wave ends last goes on with the sweep, one alone", "[slurm]") {
  const FakeCluster cluster("exit 0");
  for (const int element : {1, 0}) CHECK(cluster.start(element).wait() == 0);
  CHECK(cluster.calls() == "cell t1.yaml\ncell t0.yaml\n");
  CHECK(cluster.start(2).wait() == 0);
  CHECK(cluster.calls() == "cell t1.yaml\ncell t0.yaml\ncell t2.yaml\nsweep grid\n");
  CHECK(cluster.start(2).wait() == 0);  // a controller that was killed may repeat a task
  CHECK(cluster.calls().ends_with("sweep grid\ncell t2.yaml\n"));
}

TEST_CASE(
    "an element that is cancelled while it waits is not waited for: the sweep rests when the others have "
    "ended",
    "[slurm]") {
  const FakeCluster cluster("exit 0");
  CHECK(cluster.start(1).wait() == 0);
  cluster.wait_for("N/A (null)\n1 subband:ab:1:0\n1 subband:ab:2:0\n0 subband:ab:1:2\n");
  CHECK(cluster.start(0).wait() == 0);
  CHECK(cluster.rest().empty());  // of line 2 there is still an element
  cluster.wait_for("0 subband:ab:1:0\n1 subband:ab:2:0\n");
  std::filesystem::remove(cluster.folder / "slurm/tasks.submitted");
  CHECK(cluster.start(0).wait() == 0);
  CHECK(cluster.rest().empty());  // it is just being submitted
  write_file(cluster.folder / "slurm/tasks.submitted", "");
  cluster.write_program("squeue", "exit 1\n");
  CHECK(cluster.start(0).wait() == 0);
  CHECK(cluster.rest().empty());  // nothing is known
  cluster.write_program("squeue", "echo 0 subband:ab:1:0\n");
  CHECK(cluster.start(0).wait() == 0);
  CHECK(cluster.rest() == "Slurm: 1 of 3 jobs of the last wave were cancelled");
  CHECK(cluster.calls().find("sweep") == std::string::npos);
}

TEST_CASE("where a running element is cancelled the sweep rests", "[slurm]") {
  const FakeCluster cluster("[ \"$2\" != t2.yaml ] || exit 130");
  for (const int element : {0, 2}) cluster.start(element).wait();
  CHECK(cluster.rest().empty());
  CHECK(cluster.start(1).wait() == 0);
  CHECK(cluster.rest() == "Slurm: 1 of 3 jobs of the last wave were cancelled");
  CHECK(cluster.calls().find("sweep") == std::string::npos);
}

TEST_CASE("a cell that crashes is run again in its job, one that ended as a failure is not", "[slurm]") {
  CHECK(FakeCluster("exit 4").start(0).wait() == 4);
  const FakeCluster crashing("exit 139");
  CHECK(crashing.start(0).wait() == 139);
  CHECK(crashing.calls() == "cell t0.yaml\ncell t0.yaml\ncell t0.yaml\n");
}

TEST_CASE("the warning of a time limit reaches the cell, whose job then queues again", "[slurm]") {
  const FakeCluster cluster("trap 'exit 130' USR1; while :; do sleep 0.02; done");
  testing::Process job = cluster.start(0);
  for (int i = 0; i < 2000 && !std::filesystem::exists(cluster.folder / "calls"); ++i) ::usleep(5000);
  ::usleep(100000);
  job.signal(SIGUSR1);
  CHECK(job.wait(20) == 0);
  CHECK(cluster.calls() == "cell t0.yaml\nscontrol requeue 12_0\n");
}

}  // namespace subband::slurm_settings_test
