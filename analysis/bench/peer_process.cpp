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

namespace fs = std::filesystem;

namespace {

// Its ends: ours, and the other process's.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error("pipe", "cannot be made");
  }
};

// As execvp wants them.
std::vector<char*> words_of(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  return words;
}

int opened(const fs::path& file, int how) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644);
  if (descriptor < 0) throw Error(file.string(), "cannot be written");
  return descriptor;
}

pid_t start(const std::vector<std::string>& command, int in, int out, bool quiet) {
  const std::vector<char*> words = words_of(command);
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

void run_to_end(const std::vector<std::string>& command, const fs::path& log, const fs::path& answer) {
  const int said = opened(log, O_APPEND), out = answer.empty() ? said : opened(answer, O_TRUNC);
  const std::vector<char*> words = words_of(command);
  const pid_t process = fork();
  if (process == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    execvp(words[0], words.data());
    _exit(127);
  }
  if (out != said) close(out);
  close(said);
  if (process < 0) throw Error(command.at(0), "cannot be started");
  int status = 0;
  waitpid(process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const std::string text = read_file(log);
  constexpr size_t kTail = 400;
  throw Error(command.at(0), "has failed: " + text.substr(text.size() > kTail ? text.size() - kTail : 0));
}

std::string this_program() { return fs::read_symlink("/proc/self/exe").string(); }

std::string python_with_torch(const fs::path& root, std::string& why, const std::string& more) {
  const char* given = std::getenv("SUBBAND_PEERS");
  std::vector<std::string> candidates = {(root / ".deps/peers/bin/python3").string(), "python3"};
  if (given != nullptr) candidates = {given};
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
  why = given != nullptr
            ? std::string("SUBBAND_PEERS = ") + given + ": is no Python that can import torch" + more
            : "no python3 with torch" + more + ": set SUBBAND_PEERS, or run `make bench`, which brings one";
  return "";
}

}  // namespace subband
