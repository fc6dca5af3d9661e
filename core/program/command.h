// What every command of the program shares: the common options, one form of help, one way to fail.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

/// A last argument that nobody can type: asks a command which options it takes. `CommandLine::run` throws them.
inline constexpr std::string_view kAsksOptions{"\0options", 8};
struct DeclaredOptions {
  std::vector<std::string> names;  ///< `--json`, of subcommands too
};

/// One command's line: `app` takes its own options and arguments, then `run` parses and carries out.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& summary, const std::string& example);
  CLI::App& app() { return app_; }
  const CommonOptions& options() const { return options_; }

  /// Takes the words that are no options as they are typed, for overrides begin with `+`, `~`, `[` and other characters
  /// that an option parser has ideas about: the first into `first`, the others into `rest`. `--` ends the options.
  /// Which options take the next word is known from their declarations.
  void words(const std::string& name, std::string& first, std::vector<std::string>& rest,
             const std::string& help, bool required = true);
  /// `--config-dir DIR`, any number of times: folders that must exist.
  void config_dirs(std::vector<std::filesystem::path>& folders);

  /// Parses, runs `body`, and turns every failure into one line (or `{"error": …}`) and its exit code:
  /// 0 done, 1 the world, 2 the user's spec, 3 a part was misused; `body` returns 0, or 4 for failed cells.
  int run(Arguments arguments, const std::function<int()>& body);

 private:
  std::optional<std::string> unknown_option() const;
  std::vector<std::string> take_words(Arguments arguments);
  void check_words() const;

  CLI::App app_;
  CommonOptions options_;
  std::string words_name_, words_help_;
  std::string* first_ = nullptr;
  std::vector<std::string>* rest_ = nullptr;
  std::vector<std::string> shown_;  // words as the option parser sees them: never any
  bool words_required_ = false;
  std::vector<std::filesystem::path>* folders_ = nullptr;
};

}  // namespace subband
