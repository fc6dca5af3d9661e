// Who wrote it: windows of whole novels as text, one class an author.
// A table names the books; of every author the earlier is trained on and the later is the test split, so no text is in
// both. The end of each training book, a tenth of it and at least one window, is the validation split: other text, but the
// same books, so it is easier than the test. Title pages name the author, so the first window of every book is left out. Byte-order marks go, line
// ends become one newline.
// A book shorter than two windows has none. Windows are disjoint; training windows may overlap where `stride` is less than `window`, but never with another split.
// Source  ours; books: the benchmark corpus of 100 English novels (Computational Stylistics Group)
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_files.h"

namespace subband::data::authors {

struct Config {
  std::string name = "authors";
  std::string folder = "novels", table = "novels.tsv";
  int64_t classes = 28;
  int64_t window = 16'384;
  int64_t stride = 16'384;
  std::string fetch;

  void bind(Binder& b) {
    b.field("name", name, "what messages call it");
    b.field("folder", folder, "of the books; relative to the program's root, else to $SUBBAND_DATA");
    b.field("table", table,
            "tab-separated, in the folder, with columns file, author, author_id_split, sha256");
    b.field("classes", classes, {2, 65'536}, "authors in the table that have both a train and a test book");
    b.field("window", window, {16, 1e9}, "bytes of one example");
    b.field("stride", stride, {1, 1e9}, "bytes between the beginnings of training windows");
    b.field("fetch", fetch, "what a missing file's message says to fetch");
    b.check(stride <= window, "stride", "must be at most window = " + std::to_string(window));
    b.cosmetic({"name", "fetch"});
  }
};

struct Book {
  std::string file, author, split, sha256;
};

// Without a byte-order mark, with plain line ends.
static std::string plain_text(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_first_of_two = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (!is_first_of_two) plain += text[i] == '\r' ? '\n' : text[i];
  }
  return plain;
}

class Authors final : public Data {
 public:
  Authors(const Config& config, const DataContext& context)
      : config_(config), files_("data." + config.name, context.root, config.fetch) {}

  std::string name() const override { return config_.name; }
  std::vector<std::string> splits() const override { return {"train", "valid", "test"}; }
  std::optional<ExampleForm> form() const override { return ExampleForm{.classes = config_.classes}; }
  DataManifest manifest() const override {
    DataManifest manifest;
    for (const Book& book : books()) {
      files_.checksum(path_of(book), book.sha256);
      manifest[book.file] = book.sha256;
    }
    return manifest;
  }
  std::string layout(std::string_view split) const override {
    return fmt::format("{}; window {}; stride {}", split, config_.window, config_.stride);
  }

  ExampleSet examples(std::string_view split) const override {
    expect_split(*this, split);
    const std::vector<Book> all = books();
    const std::map<std::string, int64_t> labels = labels_of(all);
    ExampleSet examples;
    for (const Book& book : all) {
      if (book.split != (split == "test" ? "test" : "train")) continue;
      const std::string text = plain_text(files_.read(path_of(book), book.sha256));
      add_windows(text, split, labels.at(book.author), examples);
    }
    return examples;
  }

 private:
  std::string path_of(const Book& book) const { return config_.folder + "/" + book.file; }

  // The books that take part.
  std::vector<Book> books() const {
    const std::string path = config_.folder + "/" + config_.table;
    const auto lines = subband::split(files_.read(path), '\n');
    const auto titles = subband::split(trim(lines.at(0)), '\t');
    const auto column = [&](const std::string& title) {
      const auto found = std::ranges::find(titles, title);
      if (found == titles.end()) throw Error(path, "must have a column " + title);
      return static_cast<size_t>(found - titles.begin());
    };
    const size_t file = column("file"), author = column("author"), split = column("author_id_split"),
                 sha256 = column("sha256");
    std::vector<Book> all;
    for (size_t i = 1; i < lines.size(); ++i) {
      const auto cells = subband::split(trim(lines[i]), '\t');
      if (cells.size() != titles.size()) continue;
      if (cells[split] == "train" || cells[split] == "test")
        all.push_back({cells[file], cells[author], cells[split], cells[sha256]});
    }
    return all;
  }

  // Authors in the order of their names.
  std::map<std::string, int64_t> labels_of(const std::vector<Book>& all) const {
    std::map<std::string, int64_t> labels;
    for (const Book& book : all) labels[book.author] = 0;
    int64_t next = 0;
    for (auto& [author, label] : labels) label = next++;
    if (next != config_.classes)
      throw ConfigError("",
                        fmt::format("data.classes = {}: the table names {} authors", config_.classes, next),
                        "bad_value");
    return labels;
  }

  void add_windows(const std::string& text, std::string_view split, int64_t label,
                   ExampleSet& examples) const {
    const auto size = static_cast<int64_t>(text.size());
    const int64_t boundary = size - std::max(size / 10, config_.window);
    const int64_t begin = split == "valid" ? std::max(boundary, config_.window) : config_.window;
    const int64_t end = split == "train" ? boundary : size;
    const int64_t stride = split == "train" ? config_.stride : config_.window;
    for (int64_t at = begin; at + config_.window <= end; at += stride)
      examples.add_text(
          std::string_view(text).substr(static_cast<size_t>(at), static_cast<size_t>(config_.window)), label);
  }

  Config config_;
  DataFiles files_;
};

void add_to(DataRegistry& registry) {
  registry.add<Authors, Config>({.name = "authors",
                                 .summary = "windows of whole novels, one class an author",
                                 .source = "ours; 100 English novels, Computational Stylistics Group"});
}

}  // namespace subband::data::authors
