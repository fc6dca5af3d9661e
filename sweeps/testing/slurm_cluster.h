// A Slurm of one node for a test: three child processes and a private folder. Needs no running service and no privileges;
// its daemons listen on this machine alone. `reason()` says why there is none where there is none.
#pragma once
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/files.h"
#include "core/testing/process.h"

namespace subband::testing {

class SlurmCluster {
 public:
  SlurmCluster() {
    const std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
    ::setenv("PATH", (path + ":/usr/sbin:/sbin").c_str(),
             1);  // where the daemons are, and users' paths do not go
    for (const char* program : {"munged", "slurmctld", "slurmd", "sbatch", "squeue", "unshare"})
      if (Process::of({"sh", "-c", std::string("command -v ") + program}).wait() != 0)
        refuse(std::string("no ") + program + "; packages slurm-wlm and munge bring it");
    if (!reason_.empty()) return;
    std::string pattern = "/tmp/slurm_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    ::chmod(folder_.c_str(), 0755);  // munge wants its socket to be reachable
    for (int attempt = 0; attempt < 3 && !start(); ++attempt) stop();
    if (!is_ready_) refuse("the daemons do not answer; see " + folder_.string());
  }
  SlurmCluster(const SlurmCluster&) = delete;
  SlurmCluster& operator=(const SlurmCluster&) = delete;
  ~SlurmCluster() {
    stop();
    std::error_code none;
    if (is_ready_) std::filesystem::remove_all(folder_, none);
  }

  const std::string& reason() const { return reason_; }
  /// Environment of whoever uses it.
  std::vector<std::string> environment() const { return {"SLURM_CONF=" + (folder_ / "slurm.conf").string()}; }
  /// Runs one of Slurm's programs; what it printed.
  std::string ask(const std::vector<std::string>& words) const {
    const auto out = folder_ / "answer";
    Process::of(words, {.out = out, .err = folder_ / "complaint", .environment = environment()}).wait(30);
    return read_file(out);
  }
  template <class Condition>
  static bool wait_until(const Condition& condition, double limit_s = 60) {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::duration<double>(limit_s);
    while (std::chrono::steady_clock::now() < latest) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

 private:
  void refuse(const std::string& why) { reason_ = "no Slurm here: " + why; }

  void write_settings() const {
    std::mt19937 random(std::random_device{}());
    std::uniform_int_distribution<int> port(20000, 59000);
    const int first = port(random);
    const std::string dir = folder_.string();
    write_file(folder_ / "munge.key", std::string(128, 'k'));
    ::chmod((folder_ / "munge.key").c_str(), 0600);
    for (const char* name : {"state", "spool", "dev"}) std::filesystem::create_directories(folder_ / name);
    write_file(folder_ / "cgroup.conf", "CgroupPlugin=cgroup/v1\n");
    write_file(
        folder_ / "slurm.conf",
        "ClusterName=test\nSlurmctldHost=localhost(127.0.0.1)\nSlurmctldPort=" + std::to_string(first) +
            "\nSlurmdPort=" + std::to_string(first + 1) +
            "\nCommunicationParameters=NoCtldInAddrAny,NoInAddrAny\nSlurmUser=" + name_of_user() +
            "\nSlurmdUser=" + name_of_user() + "\nAuthInfo=socket=" + dir +
            "/munge.socket,cred_expire=5\nProctrackType=proctrack/linuxproc\nSelectType=select/cons_tres\n"
            "SelectTypeParameters=CR_Core\nKillWait=5\nMaxArraySize=3\nSlurmdParameters=config_overrides\n"
            "SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1\nStateSaveLocation=" +
            dir + "/state\nSlurmdSpoolDir=" + dir + "/spool\nSlurmctldPidFile=" + dir +
            "/slurmctld.pid\nSlurmdPidFile=" + dir + "/slurmd.pid\nSlurmctldLogFile=" + dir +
            "/slurmctld.log\nSlurmdLogFile=" + dir +
            "/slurmd.log\nNodeName=localhost NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 State=UNKNOWN\n"
            "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n");
  }

  static std::string name_of_user() {
    const passwd* user = ::getpwuid(::getuid());
    return user != nullptr ? user->pw_name : "root";
  }

  // A daemon that takes this machine for `localhost`: else it listens where the machine's own name leads.
  void start_daemon(const std::string& command) {
    const std::string script = "hostname localhost && exec " + command;
    std::vector<std::string> words = {"unshare", "--uts", "sh", "-c", script};
    if (::getuid() != 0)
      words = {"unshare", "--map-current-user", "--keep-caps", "--uts", "sh", "-c", script};
    daemons_.push_back(Process::of(
        words, {.out = folder_ / "daemon.out", .err = folder_ / "daemon.err", .environment = environment()}));
  }

  bool start() {
    write_settings();
    const std::string dir = folder_.string();
    daemons_.push_back(
        Process::of({"munged", "-F", "--socket=" + dir + "/munge.socket", "--key-file=" + dir + "/munge.key",
                     "--pid-file=" + dir + "/munged.pid", "--log-file=" + dir + "/munged.log",
                     "--seed-file=" + dir + "/munged.seed"},
                    {.out = folder_ / "munged.out", .err = folder_ / "munged.err"}));
    const auto answers = [&](const std::vector<std::string>& words) {
      return Process::of(words, {.err = folder_ / "probe.err", .environment = environment()}).wait(30) == 0;
    };
    if (!wait_until([&] { return answers({"munge", "-n", "-S", dir + "/munge.socket"}); }, 5)) return false;
    start_daemon("slurmctld -D");
    start_daemon("slurmd -D");
    is_ready_ = wait_until(
                    [&] {
                      return answers({"scontrol", "ping"});
                    },
                    10) &&
                wait_until(
                    [&] {
                      return ask({"sinfo", "-h", "-N", "-o", "%T"}) == "idle\n";
                    },
                    20);
    return is_ready_;
  }

  void stop() {
    if (is_ready_) {
      ask({"scancel", "--user=" + std::to_string(::getuid())});
      wait_until([&] { return ask({"squeue", "-h"}).empty(); }, 10);
    }
    for (size_t i = daemons_.size(); i-- > 0;) {
      daemons_[i].signal(SIGTERM);
      try {
        daemons_[i].wait(15);
      } catch (const std::exception&) {  // killed by then
      }
    }
    daemons_.clear();
  }

  std::filesystem::path folder_;
  std::vector<Process> daemons_;
  std::string reason_;
  bool is_ready_ = false;
};

}  // namespace subband::testing
