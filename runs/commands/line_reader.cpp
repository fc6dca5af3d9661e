#include "runs/commands/line_reader.h"

#include <histedit.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

namespace subband {

namespace {

// What a handler may touch.
std::atomic<bool> interrupt_raised = false;
static_assert(std::atomic<bool>::is_always_lock_free);
struct sigaction interrupt_before;

void raise_interrupt(int) { interrupt_raised = true; }

}  // namespace

InterruptFlag::InterruptFlag() {
  struct sigaction action {};
  action.sa_handler = raise_interrupt;  // without SA_RESTART: a line that is being typed is given up
  ::sigaction(SIGINT, &action, &interrupt_before);
  interrupt_raised = false;
}
InterruptFlag::~InterruptFlag() { ::sigaction(SIGINT, &interrupt_before, nullptr); }
const std::atomic<bool>& InterruptFlag::raised() const { return interrupt_raised; }
void InterruptFlag::lower() { interrupt_raised = false; }

struct LineReader::Terminal {
  explicit Terminal(std::string text) : sign(std::move(text)) {
    HistEvent event;
    history(lines, &event, H_SETSIZE, 1000);
    history(lines, &event, H_SETUNIQUE, 1);
    el_set(editor, EL_CLIENTDATA, this);
    el_set(editor, EL_PROMPT, +[](EditLine* line) {
      void* self = nullptr;
      el_get(line, EL_CLIENTDATA, &self);
      return static_cast<Terminal*>(self)->sign.data();
    });
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, history, lines);
    el_set(editor, EL_SIGNAL, 0);
  }
  ~Terminal() {
    history_end(lines);
    el_end(editor);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::string sign;
  EditLine* editor = el_init("subband", stdin, stdout, stderr);
  History* lines = history_init();
};

LineReader::LineReader(const std::string& sign) {
  if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0) terminal_ = std::make_unique<Terminal>(sign);
}
LineReader::~LineReader() = default;

std::optional<std::string> LineReader::next() {
  if (!terminal_) {
    std::string line;
    if (!std::getline(std::cin, line)) return {};
    return line;
  }
  int count = 0;
  const char* typed = el_gets(terminal_->editor, &count);
  if (typed == nullptr || count <= 0) {
    if (!interrupt_raised) return {};
    std::cout << "\n";
    el_reset(terminal_->editor);
    return std::string();
  }
  std::string line(typed, static_cast<size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
  HistEvent event;
  if (!line.empty()) history(terminal_->lines, &event, H_ENTER, line.c_str());
  return line;
}

}  // namespace subband
