// Lines that a person types, with what was typed before (libedit), and Ctrl-C that ends no program.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>

namespace subband {

/// While it lives Ctrl-C only sets a flag.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;
  const std::atomic<bool>& raised() const;
  void lower();
};

/// From a terminal with editing keys and history; from anything else plain lines.
class LineReader {
 public:
  explicit LineReader(const std::string& sign);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  /// The next line without its end; empty where Ctrl-C gave it up; nothing at the end of the input.
  std::optional<std::string> next();

 private:
  struct Terminal;
  std::unique_ptr<Terminal> terminal_;  // null where the input is none
};

}  // namespace subband
