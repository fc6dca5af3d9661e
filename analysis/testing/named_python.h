// A Python for peers that a test names, as long as the test lives.
#pragma once
#include <stdlib.h>

#include <optional>
#include <string>

namespace subband::testing {

class NamedPython {
 public:
  explicit NamedPython(const std::string& path) {
    if (const char* given = ::getenv(kName)) before_ = given;
    ::setenv(kName, path.c_str(), 1);
  }
  NamedPython(const NamedPython&) = delete;
  NamedPython& operator=(const NamedPython&) = delete;
  ~NamedPython() { before_ ? ::setenv(kName, before_->c_str(), 1) : ::unsetenv(kName); }

 private:
  static constexpr const char* kName = "SUBBAND_PEERS";
  std::optional<std::string> before_;
};

}  // namespace subband::testing
