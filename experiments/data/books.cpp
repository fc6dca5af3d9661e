// Folders of books: every .txt of a split's folder is a document, in the order of the names. Documents are
// joined by two newlines; each document, and each pair of newlines, is encoded by itself.
// Words are runs of anything but ASCII white space.
// Source  PG-19, Rae et al. 2019, arXiv 1911.05507, as WaveletLM reads it
#include <algorithm>

#include "core/config/binder.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_place.h"

namespace subband::data::books {

namespace fs = std::filesystem;

constexpr const char* kBetween = "\n\n";

struct Config {
  std::string name = "books";
  std::string train, valid, test;
  std::string fetch;

  void bind(Binder& b) {
    b.field("name", name, "what messages and cache files call this corpus");
    b.field("train", train,
            "folder of the training books; relative to the program's root, else to $SUBBAND_DATA");
    b.field("valid", valid, "folder of the validation books");
    b.field("test", test, "folder of the test books; empty: no such split");
    b.field("fetch", fetch, "what a missing folder's message says to fetch");
    b.check(!train.empty(), "train", "must name a folder");
    b.check(!valid.empty(), "valid", "must name a folder");
    b.cosmetic({"name", "fetch"});
  }
};

static int64_t count_book_words(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool white = c == ' ' || (c >= '\t' && c <= '\r');
    words += !white && !inside;
    inside = !white;
  }
  return words;
}

class Books final : public Data {
 public:
  Books(const Config& config, const DataContext& context) : config_(config), root_(context.root) {}

  std::string name() const override { return config_.name; }

  std::vector<std::string> splits() const override {
    return config_.test.empty() ? std::vector<std::string>{"train", "valid"}
                                : std::vector<std::string>{"train", "valid", "test"};
  }

  TextSplit text(std::string_view split) const override {
    TextSplit all;
    for (const fs::path& file : files(split)) {
      const auto add = [&](std::string_view document) {
        all.text += document;
        all.ends.push_back(all.text.size());
      };
      if (!all.text.empty()) add(kBetween);
      add(read_file(file));
    }
    all.words = count_book_words(all.text);
    return all;
  }

  // One checksum a split, over those of its books.
  DataManifest manifest() const override {
    DataManifest manifest;
    for (const std::string& split : splits()) {
      std::string lines;
      for (const fs::path& file : files(split))
        lines += sha256_hex_of_file(file) + "  " + file.filename().string() + "\n";
      manifest[folder_of(split)] = sha256_hex(lines);
    }
    return manifest;
  }

  std::string layout(std::string_view split) const override { return "books 1; " + folder_of(split); }

 private:
  std::string place() const { return "data." + config_.name; }

  const std::string& folder_of(std::string_view split) const {
    if (split == "train") return config_.train;
    if (split == "valid") return config_.valid;
    if (split == "test" && !config_.test.empty()) return config_.test;
    throw ConfigError(place(),
                      "split = " + std::string(split) + ": unknown split" + suggestion(split, splits()),
                      "unknown_option");
  }

  std::vector<fs::path> files(std::string_view split) const {
    const fs::path folder = locate_data(place(), root_, folder_of(split), config_.fetch);
    std::vector<fs::path> found;
    std::error_code reason;
    for (const auto& entry : fs::directory_iterator(folder, reason))
      if (entry.path().extension() == ".txt") found.push_back(entry.path());
    if (found.empty())
      throw Error(place(), "folder = " + folder.string() + ": has no .txt files; " +
                               (config_.fetch.empty() ? "put the books there" : config_.fetch));
    std::ranges::sort(found);
    return found;
  }

  Config config_;
  fs::path root_;
};

void add_to(DataRegistry& registry) {
  registry.add<Books, Config>({.name = "books",
                               .summary = "folders of books, one document a file",
                               .source = "PG-19, Rae et al. 2019, as WaveletLM reads it"});
}

}  // namespace subband::data::books
