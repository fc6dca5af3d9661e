// Texts of the user's own, without a line of YAML: files, folders and globs of plain text, packed or not, and of JSON lines.
//   data=/texts/novel.txt   data=/texts   data='/texts/*.jsonl'
// A folder stands for its .txt, .text, .md, .jsonl and .ndjson files, at any depth, packed ones too. All documents in the
// order of the paths, two newlines between them, are one text; its splits are consecutive parts of it. A cut falls behind
// the last line that ends before the fraction, or, where that is more than half a percent away, at the character.
// Source  ours
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/config/binder.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_place.h"
#include "experiments/data/own_data.h"
#include "experiments/data/files/unpack.h"

namespace subband::data::own_text {

namespace fs = std::filesystem;

struct Config {
  std::string name = "own";
  std::vector<std::string> files;
  std::string field = "text";
  double valid = 0.05, test = 0.05;
  std::string only;

  void bind(Binder& b) {
    std::vector<config::Place> places;
    if (const config::Node* written = b.take("files"); written && written->is(config::Node::Kind::list))
      for (const config::Node& file : written->items()) places.push_back(file.place);
    b.field("name", name, "what messages and cache files call this text");
    b.field("files", files,
            "files, folders and globs; relative to this file, or to the working folder; .jsonl: one document "
            "a line");
    b.field("field", field, "of a line of JSON: where its text is");
    b.field("valid", valid, {0, 0.5, true},
            "the part of all bytes behind the training text that is validated on");
    b.field("test", test, {0, 0.5}, "the part behind that one; 0: no such split");
    b.field("only", only, "all of it is this one split; empty: it is cut as valid and test say").since("");
    b.check(!files.empty(), "files", "must name at least one file, folder or glob");
    b.cosmetic({"name"});
    resolve_own_paths(files, places, program_root());
    config::Node resolved = config::Node::list();
    for (size_t i = 0; i < files.size(); ++i) {
      config::Node& file = resolved.items().emplace_back(files[i]);
      if (i < places.size()) file.place = places[i];
    }
    b.resolve("files", std::move(resolved));
  }
};

// Appends a document, two newlines behind the one before it.
static void append(std::string& all, std::string_view document) {
  if (document.empty()) return;
  if (!all.empty()) all += "\n\n";
  all += document;
}

class OwnText final : public Data {
 public:
  OwnText(const Config& config, const DataContext&) : config_(config) {}

  std::string name() const override { return config_.name; }

  std::vector<std::string> splits() const override {
    if (!config_.only.empty()) return {config_.only};
    return config_.test > 0 ? std::vector<std::string>{"train", "valid", "test"}
                            : std::vector<std::string>{"train", "valid"};
  }

  TextSplit text(std::string_view split) const override {
    expect_split(*this, split);
    const std::string all = whole();
    const auto [from, to] = bounds(all, split);
    if (from >= to)
      throw Error(
          place(),
          fmt::format("split {}: bytes {} to {} of {}: must hold some text; give more of it, or other "
                      "data.valid and data.test",
                      split, from, to, all.size()));
    TextSplit part{.text = all.substr(from, to - from)};
    bool inside = false;
    for (const char c : part.text) {
      const bool white = c == ' ' || (c >= '\t' && c <= '\r');
      part.words += (!white && !inside) + (c == '\n');
      inside = !white;
    }
    return part;
  }

  DataManifest manifest() const override {
    DataManifest manifest;
    for (const fs::path& file : files()) manifest[file.string()] = sha256_hex_of_file(packed_file(file));
    return manifest;
  }

  std::string layout(std::string_view) const override {
    if (!config_.only.empty()) return "own_text 1; field " + config_.field + "; only " + config_.only;
    return fmt::format("own_text 1; field {}; valid {}; test {}", config_.field, number_text(config_.valid),
                       number_text(config_.test));
  }

 private:
  std::string place() const { return "data." + config_.name; }

  std::pair<size_t, size_t> bounds(std::string_view all, std::string_view split) const {
    if (!config_.only.empty()) return {0, all.size()};
    const size_t trained = cut(all, config_.valid + config_.test);
    if (split == "train") return {0, trained};
    const size_t tested = config_.test > 0 ? cut(all, config_.test) : all.size();
    return split == "valid" ? std::pair(trained, tested) : std::pair(tested, all.size());
  }

  // Where the last `part` of the text begins.
  static size_t cut(std::string_view all, double part) {
    auto at = all.size() - static_cast<size_t>(std::round(part * static_cast<double>(all.size())));
    if (at == 0 || at >= all.size()) return std::min(at, all.size());
    const size_t end = all.rfind('\n', at - 1);
    if (end != std::string_view::npos && at - end <= all.size() / 200) return end + 1;
    while (at > 0 && (all[at] & 0xc0) == 0x80) --at;
    return at;
  }

  std::string whole() const {
    std::string all;
    for (const fs::path& file : files()) {
      const std::string content = read_unpacked(file);
      refuse_as_text(place(), file.string(), content);
      if (is_lines_of_json(packed_file(file) == file
                               ? file
                               : fs::path(file.string().substr(file.string().rfind('#') + 1))))
        append_lines(all, file, content);
      else
        append(all, content);
    }
    return all;
  }

  void append_lines(std::string& all, const fs::path& file, std::string_view content) const {
    for (size_t number = 1; !content.empty(); ++number) {
      const std::string_view line = content.substr(0, content.find('\n'));
      content.remove_prefix(std::min(line.size() + 1, content.size()));
      if (trim(line).empty()) continue;
      const std::string where = file.string() + ": line " + std::to_string(number);
      const Json document = read_json(line, where, {.non_finite = true});
      const auto found = document.find(config_.field);
      if (document.is_object() && found != document.end() && !found->is_string())
        throw Error(place(), where + ": " + config_.field + " = " + json_brief(*found) +
                                 ": must be text; data.field names another key");
      if (!document.is_object() || found == document.end()) {
        std::vector<std::string> keys;
        if (document.is_object())
          for (const auto& [key, value] : document.items()) keys.push_back(key);
        throw Error(place(), where + ": has no text under '" + config_.field + "'; it has " +
                                 (keys.empty() ? "no keys" : join(keys, ", ")) +
                                 "; data.field names another");
      }
      append(all, found->get_ref<const std::string&>());
    }
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const std::string& name : config_.files) {
      std::vector<fs::path> found = own_files(place(), name);
      all.insert(all.end(), found.begin(), found.end());
    }
    return all;
  }

  Config config_;
};

void add_to(DataRegistry& registry) {
  registry.add<OwnText, Config>(
      {.name = "own_text",
       .summary = "files, folders and globs of the user's own text, and lines of JSON",
       .source = "ours"});
}

}  // namespace subband::data::own_text
