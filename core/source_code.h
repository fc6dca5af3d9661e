// What a source is made of, as a digest: so that a result can be told from that of other code.
#pragma once
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace subband {

/// Digest of a part that lies outside the program: of its source and of what it includes from beside it.
std::string digest_of_own_source(const std::filesystem::path& source);

/// C++ as a compiler sees it: without comments, blanks and line ends drawn together.
std::string code_alone(const std::string& source);

/// Digests of sources together with those of ours that they include. Files are read once.
class SourceCode {
 public:
  /// `root`: what `#include "models/mixer.h"` is relative to.
  explicit SourceCode(std::filesystem::path root) : root_(std::move(root)) {}

  /// SHA-256, the first 16 hex digits, of a source below the root and of what it includes of models, experiments and
  /// core's operations and tensors: headers, and the .cpp and .cu beside them. How a config is read is left out, for what
  /// comes of it shows in the config. Error where a file cannot be read.
  std::string digest(const std::string& source);
  /// The same of headers and of all that they include of ours: what else must be compiled anew when they change.
  std::string digest_of_headers(const std::vector<std::string>& headers);
  /// Every file that was read, relative to the root.
  std::vector<std::string> files() const;

 private:
  struct File {
    std::string code;
    std::set<std::string> includes;  ///< of ours
    std::set<std::string> reaches;   ///< what counts of them, and the sources beside
  };
  const File& file(const std::string& path);
  File read(const std::filesystem::path& path) const;
  std::string digest_of(std::vector<std::string> open, std::set<std::string> File::* next);

  std::filesystem::path root_;
  std::map<std::string, File> files_;
};

}  // namespace subband
