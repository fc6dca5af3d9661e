#include "sweeps/slurm/client.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "core/text.h"

extern char** environ;

namespace subband::slurm {

namespace {

using OpenFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

OpenFile temporary_file() {
  OpenFile file(std::tmpfile(), std::fclose);
  if (!file) throw Error("slurm", std::string("no temporary file: ") + std::strerror(errno));
  return file;
}

std::string content_of(std::FILE* file) {
  std::rewind(file);
  std::string text;
  std::array<char, 4096> piece{};
  for (size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), file)) > 0;)
    text.append(piece.data(), got);
  return text;
}

// What the program printed. Error with its complaint, on one line, where it fails.
std::string answer_of(const std::vector<std::string>& words, const std::string& input = "") {
  const OpenFile in = temporary_file(), out = temporary_file(), complaints = temporary_file();
  std::fwrite(input.data(), 1, input.size(), in.get());
  std::fflush(in.get());
  std::rewind(in.get());
  std::vector<std::string> copy = words;
  std::vector<char*> arguments;
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, ::fileno(in.get()), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, ::fileno(out.get()), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, ::fileno(complaints.get()), STDERR_FILENO);
  pid_t process = 0;
  const int failed = ::posix_spawnp(&process, arguments[0], &files, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (failed != 0)
    throw Error("slurm", words[0] + ": cannot be started: " + std::strerror(failed) +
                             "; the launcher slurm needs Slurm's programs in PATH");
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return content_of(out.get());
  std::string words_of_it = std::string(trim(content_of(complaints.get())));
  std::ranges::replace(words_of_it, '\n', ' ');
  throw Error(Problem{
      "slurm", words[0] + ": " + (words_of_it.empty() ? "failed without a word" : words_of_it), "slurm"});
}

}  // namespace

ElementState state_of(const std::string& word) {
  static const std::vector<std::string> kWaiting = {"PENDING",      "REQUEUED",      "REQUEUE_FED",
                                                    "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"};
  static const std::vector<std::string> kEnded = {"BOOT_FAIL", "CANCELLED", "COMPLETED",     "DEADLINE",
                                                  "FAILED",    "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                                                  "REVOKED",   "TIMEOUT"};
  if (std::ranges::find(kWaiting, word) != kWaiting.end()) return ElementState::waiting;
  if (std::ranges::find(kEnded, word) != kEnded.end()) return ElementState::ended;
  return ElementState::
      running;  // RUNNING, CONFIGURING, COMPLETING, SUSPENDED, SIGNALING, STAGE_OUT, RESIZING, STOPPED
}

std::vector<Element> parse_elements(const std::string& text, const std::string& comment_prefix) {
  std::vector<Element> found;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> words = split(line, '|');
    if (words.size() < 6) continue;
    const int64_t index = parse_integer(words[1]).value_or(-1);
    if (!words[5].starts_with(comment_prefix)) continue;
    found.push_back(
        {.array = words[0], .index = index, .state = words[3], .reason = words[4], .comment = words[5]});
  }
  return found;
}

std::vector<Element> elements(const std::string& comment_prefix) {
  return parse_elements(answer_of({"squeue", "--me", "-h", "-r", "-t", "all", "-o", "%F|%K|%A|%T|%r|%k"}),
                        comment_prefix);
}

std::string submit(const std::vector<std::string>& options, const std::string& script) {
  std::vector<std::string> words = {"sbatch", "--parsable"};
  words.insert(words.end(), options.begin(), options.end());
  const std::string id = answer_of(words, script);
  return id.substr(0, id.find_first_of(";\n"));
}

int64_t max_array_size() {
  constexpr int64_t kUsual = 1001;
  for (const std::string& line : split(answer_of({"scontrol", "show", "config"}), '\n')) {
    const auto words = split(line, '=');
    if (words.size() == 2 && trim(words[0]) == "MaxArraySize")
      return parse_integer(std::string(trim(words[1]))).value_or(kUsual);
  }
  return kUsual;
}

}  // namespace subband::slurm
