// Somebody else's training step, in a process of its own that is told when to take one: analysis/peers/.
#pragma once
#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "core/json.h"

namespace subband {

/// Speaks lines: it writes one JSON object when it is ready, and one for every line that it is told.
class PeerProcess {
 public:
  /// Starts `command`; `quiet`: what it says on stderr is lost. Error where it cannot be started.
  explicit PeerProcess(const std::vector<std::string>& command, bool quiet = false);
  ~PeerProcess();  ///< it is told to leave, and ended if it does not
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  /// The next object that it writes. Error with its last words where it has ended, or said `error`.
  Json heard();
  Json ask(const std::string& line);

 private:
  std::string name_;
  pid_t process_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

/// Runs a command to its end, what it says going to `log`, or what it answers to `answer` and the rest to `log`. Error with
/// the log's last lines where it fails.
void run_to_end(const std::vector<std::string>& command, const std::filesystem::path& log,
                const std::filesystem::path& answer = {});

/// The file of the running program.
std::string this_program();

/// Where python3 is that can import torch, and `more`: $SUBBAND_PEERS and no other where it is set; else
/// .deps/peers/bin/python3 below `root`, or the PATH's; empty with a reason in `why` where there is none.
std::string python_with_torch(const std::filesystem::path& root, std::string& why, const std::string& more = "");

}  // namespace subband
