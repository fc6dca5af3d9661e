// Data: where texts and labelled examples come from.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.h"
#include "experiments/data/examples.h"

namespace subband {

struct DataContext {
  std::filesystem::path root;  ///< program_root(): relative paths of shipped data start here
};

/// What identifies the data of a run: `file or generator` -> SHA-256 of its content.
using DataManifest = std::map<std::string, std::string>;

/// One split of a text corpus.
struct TextSplit {
  std::string text;
  int64_t words = 0;  ///< for word-level perplexity, one end-of-line per line counted; 0 where unknown
  /// Bytes before which its documents end, each of them encoded by itself; empty: one document.
  std::vector<size_t> ends = {};
};

class Data {
 public:
  static constexpr const char* kKind = "data";
  using Context = DataContext;
  virtual ~Data() = default;

  virtual std::string name() const = 0;                 ///< what messages call it, `tinyshakespeare`
  virtual std::vector<std::string> splits() const = 0;  ///< `train`, `valid`, perhaps `test`
  /// The whole text of a split. ConfigError when there is no such split or this data holds no text.
  virtual TextSplit text(std::string_view split) const;
  /// The form of its labelled examples, without reading any; nothing where this data holds none.
  virtual std::optional<ExampleForm> form() const { return {}; }
  /// The labelled examples of a split. ConfigError when there is no such split or this data holds none.
  virtual ExampleSet examples(std::string_view split) const;
  /// Checksums, without unpacking anything. A missing file is an Error that says what to fetch and where it goes.
  virtual DataManifest manifest() const = 0;
  /// How a split is cut and joined from what the manifest names; both together decide its text.
  virtual std::string layout(std::string_view split) const = 0;
};

/// ConfigError `data.NAME: split = …: unknown split; known: …` unless the data has it.
void expect_split(const Data& data, std::string_view split);

using DataRegistry = KindRegistry<Data>;

}  // namespace subband
