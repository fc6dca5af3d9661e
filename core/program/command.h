// What every command of the program shares: the common options, one form of help, one way to fail.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace subband {

using Arguments = std::span<const std::string>;

/// Options that all commands take.
struct CommonOptions {
  bool json = false;                     ///< one JSON document on stdout, everything else on stderr
  bool quiet = false;                    ///< no progress
  std::filesystem::path store = "logs";  ///< where runs are kept
};

/// The check of an option that counts or measures.
CLI::Validator above_zero();

/// One command's line: `app` takes its own options and arguments, then `run` parses and carries out.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& summary, const std::string& example);
  CLI::App& app() { return app_; }
  const CommonOptions& options() const { return options_; }

  /// Parses, runs `body`, and turns every failure into one line (or `{"error": …}`) and its exit code:
  /// 0 done, 1 the world, 2 the user's spec, 3 a part was misused; `body` returns 0, or 4 for failed cells.
  int run(Arguments arguments, const std::function<int()>& body);

 private:
  std::optional<std::string> unknown_option() const;

  CLI::App app_;
  CommonOptions options_;
};

}  // namespace subband
