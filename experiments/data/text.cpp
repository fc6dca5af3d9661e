// Text corpora from files: plain, compressed or in an archive, cut into splits by file, by fraction or by
// byte.
//   train: {files: [input.txt.xz], to: 0.9}      the first 90 % of the bytes
//   valid: {files: [input.txt.xz], from: 0.9}    the rest: both cuts fall on the same byte
// A cut that would fall inside a UTF-8 character moves back to its first byte.
// Words are runs of anything but ASCII white space, and each end of line counts as one more.
// Source  ours; the form `rows` is the one that published WikiText token counts are of
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_files.h"
#include "experiments/data/files/data_place.h"
#include "experiments/data/files/unpack.h"

namespace subband::data::text {

namespace fs = std::filesystem;

static config::Node list_of(const std::vector<std::string>& files, const std::vector<config::Place>& places) {
  config::Node list = config::Node::list();
  for (size_t i = 0; i < files.size(); ++i) {
    config::Node& file = list.items().emplace_back(files[i]);
    if (i < places.size()) file.place = places[i];
  }
  return list;
}

struct Cut {
  std::vector<std::string> files;
  std::vector<std::string> sha256;
  double from = 0, to = 1;
  std::optional<int64_t> from_byte, to_byte;

  void bind(Binder& b) {
    std::vector<config::Place> places;
    if (const config::Node* written = b.take("files"); written && written->is(config::Node::Kind::list))
      for (const config::Node& file : written->items()) places.push_back(file.place);
    b.field("files", files,
            "read one after the other; relative to the program's root, to $SUBBAND_DATA, to this file, or to the working "
            "folder; archive.zip#member");
    const std::vector<std::string> before = files;
    resolve_own_paths(files, places, program_root());
    if (files != before) b.resolve("files", list_of(files, places));
    b.field("sha256", sha256, "checksums of the unpacked files, in their order; empty: not checked");
    b.field("from", from, {0, 1}, "the split begins at this fraction of the bytes");
    b.field("to", to, {0, 1}, "and ends at this one");
    b.field("from_byte", from_byte, {.low = 0}, "the split begins at this byte; instead of from");
    b.field("to_byte", to_byte, {.low = 0}, "and ends before this one; instead of to");
    b.check(!files.empty(), "files", "must name at least one file");
    b.check(sha256.empty() || sha256.size() == files.size(), "sha256",
            "must hold one checksum a file, or none");
    b.check(from < to, "to", "must be above from = " + number_text(from));
    b.check(!from_byte || !b.given("from"), "from_byte", "must not be given together with from");
    b.check(!to_byte || !b.given("to"), "to_byte", "must not be given together with to");
    b.check(!from_byte || !to_byte || *from_byte < *to_byte, "to_byte", "must be above from_byte");
  }
};

struct Config {
  std::string name = "text";
  std::vector<std::pair<std::string, Cut>> splits;  // in the order of the spec
  std::string join = "none";
  std::string fetch;

  void bind(Binder& b) {
    b.field("name", name, "what messages and cache files call this corpus");
    bind_splits(b);
    b.choice("join", join, {"none", "rows"},
             "none: the bytes as they are; rows: a blank line is an empty row, any other line keeps its end, "
             "rows are "
             "joined by two newlines");
    b.field("fetch", fetch, "what a missing file's message says to fetch");
    b.cosmetic({"name", "fetch"});
  }

  void bind_splits(Binder& b) {
    using config::Node;
    const Node* written = b.take("splits");
    b.record([&] {
      return FieldInfo{.path = b.path_of("splits"),
                       .type = "map from split to its files",
                       .standard = Node::map(),
                       .help = "train and valid, perhaps test"};
    });
    const bool usable = written && written->is(Node::Kind::map) && written->size() > 0;
    if (!usable) b.complain("splits", written, "must be a map from split to its files", "missing_value");
    Node example =
        Node::map();  // shows the fields of a split on the reference page; its complaints are nobody's
    example.set("train", Node::map());
    const Node& map = usable ? *written : example;
    const size_t complaints = b.session().problems.size();
    Binder inner = b.nested("splits", map);
    for (const auto& entry : map.entries())
      inner.group(entry.key, splits.emplace_back(entry.key, Cut{}).second, "one split");
    if (!usable) b.session().problems.resize(complaints);
  }
};

static int64_t count_words(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool white = c == ' ' || (c >= '\t' && c <= '\r');
    words += !white && !inside;
    words += c == '\n';
    inside = !white;
  }
  return words;
}

static std::string joined_rows(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 64);
  for (bool first = true; !text.empty(); first = false) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const size_t length = std::min(text.size(), line.size() + 1);
    if (!first) out += "\n\n";
    if (!trim(line).empty()) out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

static size_t cut_at(std::string_view text, double fraction, const std::optional<int64_t>& byte) {
  size_t at = byte ? static_cast<size_t>(*byte)
                   : static_cast<size_t>(std::floor(fraction * static_cast<double>(text.size())));
  at = std::min(at, text.size());
  for (int back = 0; back < 3 && at > 0 && at < text.size() && (text[at] & 0xc0) == 0x80; ++back) --at;
  return at;
}

class Text final : public Data {
 public:
  Text(const Config& config, const DataContext& context)
      : config_(config), files_("data." + config.name, context.root, config.fetch) {}

  std::string name() const override { return config_.name; }

  std::vector<std::string> splits() const override {
    std::vector<std::string> names;
    for (const auto& [split, cut] : config_.splits) names.push_back(split);
    return names;
  }

  TextSplit text(std::string_view split) const override {
    const Cut& cut = find(split);
    std::string all;
    for (size_t i = 0; i < cut.files.size(); ++i) {
      const std::string content = read_unpacked(locate(cut.files[i]));
      refuse_as_text(place(), cut.files[i], content);
      if (!cut.sha256.empty()) files_.expect_content(cut.files[i], sha256_hex(content), cut.sha256[i]);
      all += content;
    }
    const size_t from = cut_at(all, cut.from, cut.from_byte), to = cut_at(all, cut.to, cut.to_byte);
    if (from >= to)
      throw Error(place(), fmt::format("split {}: bytes {} to {} of {}: must hold some text", split, from, to,
                                       all.size()));
    if (to < all.size()) all.resize(to);
    all.erase(0, from);
    const int64_t words = count_words(all);
    return {config_.join == "rows" ? joined_rows(all) : std::move(all), words, {}};
  }

  DataManifest manifest() const override {
    DataManifest manifest;
    for (const auto& [split, cut] : config_.splits) {
      for (size_t i = 0; i < cut.files.size(); ++i) {
        if (cut.sha256.empty() && manifest.contains(cut.files[i])) continue;  // two cuts of one file
        locate(cut.files[i]);
        manifest[cut.files[i]] = files_.checksum(cut.files[i], cut.sha256.empty() ? "" : cut.sha256[i]);
      }
    }
    return manifest;
  }

  std::string layout(std::string_view split) const override {
    const Cut& cut = find(split);
    const auto end = [](double fraction, const std::optional<int64_t>& byte) {
      return byte ? "byte " + std::to_string(*byte) : number_text(fraction);
    };
    return fmt::format("text 1; files {}; from {}; to {}; join {}", join(cut.files, ", "),
                       end(cut.from, cut.from_byte), end(cut.to, cut.to_byte), config_.join);
  }

 private:
  std::string place() const { return "data." + config_.name; }

  const Cut& find(std::string_view split) const {
    for (const auto& [name, cut] : config_.splits)
      if (name == split) return cut;
    const auto known = splits();
    throw ConfigError(place(), fmt::format("split = {}: unknown split{}", split, suggestion(split, known)),
                      "unknown_option");
  }

  fs::path locate(const std::string& file) const {
    fs::path found = files_.find(file);
    refuse_file_as_text(place(), found);
    return found;
  }

  Config config_;
  DataFiles files_;
};

void add_to(DataRegistry& registry) {
  registry.add<Text, Config>({.name = "text",
                              .summary = "text files, plain, compressed or in an archive, cut into splits",
                              .source = "ours; rows as published WikiText counts use them"});
}

}  // namespace subband::data::text
