#include "analysis/bench/peer_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace subband {

namespace {

// Its ends: ours, and the other process's.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error("pipe", "cannot be made");
  }
};

pid_t start(const std::vector<std::string>& command, int in, int out, bool quiet) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t process = fork();
  if (process != 0) return process;
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  if (quiet) dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

PeerProcess::PeerProcess(const std::vector<std::string>& command, bool quiet) : name_(command.at(0)) {
  std::signal(SIGPIPE, SIG_IGN);  // where it has ended, the next word that is awaited says so
  const Pipe down, up;
  process_ = start(command, down.ends[0], up.ends[1], quiet);
  close(down.ends[0]);
  close(up.ends[1]);
  to_ = fdopen(down.ends[1], "w");
  from_ = fdopen(up.ends[0], "r");
  if (process_ < 0) throw Error(name_, "cannot be started");
}

PeerProcess::~PeerProcess() {
  std::fclose(to_);  // the end of its orders
  std::fclose(from_);
  kill(process_, SIGTERM);
  waitpid(process_, nullptr, 0);
}

Json PeerProcess::heard() {
  std::string line;
  for (int letter = std::fgetc(from_); letter != '\n'; letter = std::fgetc(from_)) {
    if (letter == EOF) throw Error(name_, "has ended" + (line.empty() ? "" : ": " + line));
    line.push_back(static_cast<char>(letter));
  }
  const Json said = read_json(line, name_);
  if (said.contains("error")) throw Error(name_, said["error"].get<std::string>());
  return said;
}

Json PeerProcess::ask(const std::string& line) {
  std::fputs((line + "\n").c_str(), to_);
  std::fflush(to_);
  return heard();
}

void run_to_end(const std::vector<std::string>& command, const std::filesystem::path& log) {
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0) throw Error(log.string(), "cannot be written");
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t process = fork();
  if (process == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execvp(words[0], words.data());
    _exit(127);
  }
  close(out);
  if (process < 0) throw Error(command.at(0), "cannot be started");
  int status = 0;
  waitpid(process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const std::string said = read_file(log);
  constexpr size_t kTail = 400;
  throw Error(command.at(0), "has failed: " + said.substr(said.size() > kTail ? said.size() - kTail : 0));
}

std::string python_with_torch(const std::filesystem::path& root, std::string& why, const std::string& more) {
  std::vector<std::string> candidates;
  if (const char* given = std::getenv("SUBBAND_PEERS")) candidates.emplace_back(given);
  candidates.push_back((root / ".deps/peers/bin/python3").string());
  candidates.emplace_back("python3");
  for (const std::string& python : candidates) {
    try {
      PeerProcess peer(
          {python, "-c", "import torch" + more + "; print('{\"torch\": \"' + torch.__version__ + '\"}', flush=True)"},
          true);
      peer.heard();
      return python;
    } catch (const Error&) {
      continue;
    }
  }
  why = "no python3 with torch" + more + ": set SUBBAND_PEERS, or run `make bench`, which brings one";
  return "";
}

}  // namespace subband
