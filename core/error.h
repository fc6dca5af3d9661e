// Failures that a person can act on. A bug in our own code is an assertion, not one of these.
//   form: `place: what = value: rule; hint`, one line, lower case, no full stop
#pragma once
#include <stdexcept>
#include <string>
#include <vector>

namespace subband {

/// One failure. `kind` is a word for programs (`syntax`, `unknown_key`, `bad_value`, ...).
struct Problem {
  std::string place;    ///< `recipe.yaml:12:14`, `override 2`, a file, a part; may be empty
  std::string message;  ///< `model.heads = 3: must divide width = 64`
  std::string kind = "world";

  std::string line() const { return place.empty() ? message : place + ": " + message; }
};

/// The world failed: a file, a device, a full disk. Exit code 1.
class Error : public std::runtime_error {
 public:
  explicit Error(Problem problem) : Error(std::vector<Problem>{std::move(problem)}) {}
  Error(std::string place, std::string message) : Error(Problem{std::move(place), std::move(message)}) {}
  /// Several failures of one input, reported in one go; what() holds one line each. Must not be empty.
  explicit Error(std::vector<Problem> problems)
      : std::runtime_error(lines(problems)), problems_(std::move(problems)) {}

  const std::vector<Problem>& problems() const { return problems_; }
  const Problem& first() const { return problems_.front(); }
  virtual int exit_code() const { return 1; }

 private:
  static std::string lines(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + problem.line();
    return text;
  }
  std::vector<Problem> problems_;
};

/// The user's spec or command line is wrong. Exit code 2.
class ConfigError final : public Error {
 public:
  using Error::Error;
  ConfigError(std::string place, std::string message, std::string kind)
      : Error(Problem{std::move(place), std::move(message), std::move(kind)}) {}
  int exit_code() const override { return 2; }
};

/// A part was given a tensor, or asked for a form, that it cannot take. Exit code 3.
class ShapeError final : public Error {
 public:
  ShapeError(std::string part, std::string message)
      : Error(Problem{std::move(part), std::move(message), "misused"}) {}
  int exit_code() const override { return 3; }
};

}  // namespace subband
