// ListOps from files: a line a sample, the label in one column and the expression in the other.
//   original   `label TAB expression`, no header (Nangia & Bowman 2018)
//   lra        header `Source TAB Target`, then `expression TAB label` (Long Range Arena; `subband data generate listops`)
// Every label is recomputed while reading: one that does not agree is an error.
// Source  list_expressions.h
#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_files.h"
#include "experiments/data/list_expressions.h"

namespace subband::data::listops_file {

struct Config {
  std::string name = "listops_file";
  std::string form = "lra";
  std::optional<std::string> train, valid, test;
  std::string fetch;

  void bind(Binder& b) {
    b.field("name", name, "what messages call it");
    b.choice("form", form, {"lra", "original"},
             "which column holds the label, and whether there is a header");
    b.field("train", train, "file, packed or not; relative to the program's root, else to $SUBBAND_DATA");
    b.field("valid", valid, "likewise");
    b.field("test", test, "likewise");
    b.field("fetch", fetch, "what a missing file's message says to fetch");
    b.check(train || valid || test, "test", "at least one of train, valid and test must be given");
    b.cosmetic({"name", "fetch"});
  }
};

class ListOpsFile final : public Data {
 public:
  ListOpsFile(const Config& config, const DataContext& context)
      : config_(config), files_("data." + config.name, context.root, config.fetch) {}

  std::string name() const override { return config_.name; }
  std::vector<std::string> splits() const override {
    std::vector<std::string> names;
    if (config_.train) names.emplace_back("train");
    if (config_.valid) names.emplace_back("valid");
    if (config_.test) names.emplace_back("test");
    return names;
  }
  std::optional<ExampleForm> form() const override {
    return ExampleForm{.classes = 10, .vocabulary = kListVocabulary};
  }
  DataManifest manifest() const override {
    DataManifest manifest;
    for (const std::string& split : splits()) manifest[file_of(split)] = files_.checksum(file_of(split));
    return manifest;
  }
  std::string layout(std::string_view split) const override { return file_of(split) + "; " + config_.form; }

  ExampleSet examples(std::string_view split) const override {
    expect_split(*this, split);
    const std::string file = file_of(split), content = files_.read(file);
    ExampleSet examples;
    int64_t number = 0;
    for (const std::string& line : subband::split(content, '\n')) {
      const bool is_header = ++number == 1 && config_.form == "lra";
      if (is_header || trim(line).empty()) continue;
      add_line(line, fmt::format("{}:{}", file, number), examples);
    }
    return examples;
  }

 private:
  const std::string& file_of(std::string_view split) const {
    return *(split == "train" ? config_.train : split == "valid" ? config_.valid : config_.test);
  }
  void add_line(const std::string& line, const std::string& place, ExampleSet& examples) const {
    const auto columns = subband::split(trim(line), '\t');
    const bool is_original = config_.form == "original";
    const auto label = columns.size() == 2 ? parse_integer(columns[is_original ? 0 : 1]) : std::nullopt;
    if (!label)
      throw Error(place, "must be a label and an expression, with a tabulator between; see data.form");
    const ListTokens tokens = read_list_expression(columns[is_original ? 1 : 0]);
    const int64_t value = value_of_list_expression(tokens);
    if (value != *label)
      throw Error(place, fmt::format("label = {}: the expression's value is {}", *label, value));
    examples.add_ids(tokens, *label);
  }

  Config config_;
  DataFiles files_;
};

void add_to(DataRegistry& registry) {
  registry.add<ListOpsFile, Config>({.name = "listops_file",
                                     .summary = "ListOps from files, original or Long Range Arena's",
                                     .source = "arXiv 1804.06028, 2011.04006"});
}

}  // namespace subband::data::listops_file
