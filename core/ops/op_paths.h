// Which path of an operation runs: what a run forces by name, and a count of what really ran. No LibTorch here.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

/// An operation with several paths, which a recipe may force: `ops: {fwht: reference}`.
struct OpInfo {
  std::string name;
  std::vector<std::string> paths;  ///< besides `auto`
  std::string help;
};

/// All of them.
const std::vector<OpInfo>& known_ops();

/// One way in which an operation ran.
struct OpUse {
  std::string op;      ///< `fwht`, `mixer:retnet`
  std::string path;    ///< `loops`
  std::string detail;  ///< the instruction set that it took, or why no kernel could; may be empty
  int64_t calls = 0;
  bool operator==(const OpUse&) const = default;
};

/// `fwht loops (avx512f)`
std::string op_use_text(const OpUse& use);

using ForcedPaths = std::map<std::string, std::string>;  ///< operation -> path

/// While it lives, every operation of the process takes the path that is forced on it, and what ran is counted. One
/// inside another counts alone until it ends.
class OpPaths {
 public:
  /// What `forced` does not name is chosen as usual.
  explicit OpPaths(ForcedPaths forced = {});
  ~OpPaths();
  OpPaths(const OpPaths&) = delete;
  OpPaths& operator=(const OpPaths&) = delete;

  /// By operation, path and detail.
  std::vector<OpUse> uses() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
  State* before_;
};

/// For operations: the path to take, where the caller asked for `asked`: it unless it is `auto` and a run forces one.
std::string op_path(std::string_view op, std::string_view asked);
/// For operations: this path ran, once more.
void count_op(std::string_view op, std::string_view path, std::string_view detail = {});

}  // namespace subband
