#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/data/corpus.h"
#include "experiments/data/list_expressions.h"
#include "experiments/data/token_file.h"

namespace subband {

namespace {

struct PrepareOptions {
  std::vector<std::string> names;
  std::string tokenizer = "bytes";
  std::vector<std::string> splits;
};

// A corpus that cannot be used is listed with the reason: the list is how one finds out.
nlohmann::ordered_json listed(const Registry& registry, const std::string& name) {
  nlohmann::ordered_json entry = {{"name", name}};
  try {
    const auto data = open_corpus(registry, name);
    entry["splits"] = data->splits();
    entry["files"] = data->manifest();
  } catch (const Error& wrong) {
    entry["problem"] = wrong.first().line();
  }
  return entry;
}

int list_corpora(const CommandLine& line) {
  Registry registry;
  register_corpora_parts(registry);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const std::string& name : corpus_names(registry)) all.push_back(listed(registry, name));
  if (line.options().json) {
    std::cout << nlohmann::ordered_json{{"data", all}}.dump(2) << "\n";
    return 0;
  }
  for (const auto& entry : all) {
    const std::string splits =
        entry.contains("splits") ? join(entry["splits"].get<std::vector<std::string>>(), " ") : "";
    const std::string state = entry.contains("problem") ? entry["problem"].get<std::string>() : "here";
    std::cout << fmt::format("{:<24} {:<20} {}\n", entry["name"].get<std::string>(), splits, state);
  }
  return 0;
}

int prepare_corpora(const CommandLine& line, const PrepareOptions& options) {
  Registry registry;
  register_corpora_parts(registry);
  const auto tokenizer = open_tokenizer(registry, options.tokenizer);
  nlohmann::ordered_json prepared = nlohmann::ordered_json::array();
  for (const std::string& name : options.names) {
    const auto data = open_corpus(registry, name);
    if (data->form())
      throw ConfigError("data." + name, "holds labelled examples: there are no token files to prepare",
                        "bad_value");
    for (const std::string& split : options.splits.empty() ? data->splits() : options.splits) {
      const TokenFile file = open_tokens(*data, *tokenizer, split, line.options().store / "cache");
      prepared.push_back({{"name", name},
                          {"split", split},
                          {"tokens", file.tokens()},
                          {"bytes", file.bytes()},
                          {"words", file.words()},
                          {"file", file.path().string()}});
      if (!line.options().json)
        std::cout << fmt::format("{} {}: {} tokens of {} bytes and {} words in {}\n", name, split,
                                 grouped(file.tokens()), grouped(file.bytes()), grouped(file.words()),
                                 file.path().string());
    }
  }
  if (line.options().json)
    std::cout << nlohmann::ordered_json{{"tokenizer", options.tokenizer}, {"prepared", prepared}}.dump(2)
              << "\n";
  return 0;
}

struct GenerateOptions {
  std::string name;
  std::filesystem::path out;
  int64_t seed = 0, count = 96'000, valid = 2'000, test = 2'000, min_length = 500, max_length = 2'000;
};

// As the files of Long Range Arena: a header, then an expression in nested pairs and its value.
std::string listops_table(const ExampleSet& examples) {
  std::string table = "Source\tTarget\n";
  for (int64_t i = 0; i < examples.size(); ++i)
    table += list_expression_text(examples.ids(i)) + "\t" + std::to_string(examples.label(i)) + "\n";
  return table;
}

int generate_data(const CommandLine& line, const GenerateOptions& options) {
  Registry registry;
  register_corpora_parts(registry);
  if (options.name != "listops")
    throw ConfigError("command line",
                      "name = " + options.name + ": cannot be generated into files; known: listops",
                      "unknown_option");
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("listops"));
  for (const auto& [key, value] : {std::pair{"seed", options.seed},
                                   {"train", options.count},
                                   {"valid", options.valid},
                                   {"test", options.test},
                                   {"min_length", options.min_length},
                                   {"max_length", options.max_length}})
    spec.set(key, config::Node(value));
  const auto data = open_part_as_corpus(registry, std::move(spec));
  std::filesystem::create_directories(options.out);
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const auto& [split, name] : {std::pair{"train", "train"}, {"valid", "val"}, {"test", "test"}}) {
    const std::string table = listops_table(data->examples(split));
    const auto file = options.out / (std::string("basic_") + name + ".tsv");
    write_file(file, table);
    files.push_back({{"split", split}, {"file", file.string()}, {"sha256", sha256_hex(table)}});
    if (!line.options().json) std::cout << fmt::format("{}  {}\n", sha256_hex(table), file.string());
  }
  if (line.options().json) std::cout << nlohmann::ordered_json{{"generated", files}}.dump(2) << "\n";
  return 0;
}

}  // namespace

int command_data(Arguments arguments) {
  CommandLine line("data",
                   "Data sets: what there is, token files made ahead of the first run, synthetic sets.",
                   "subband data prepare tinyshakespeare --tokenizer gpt2");
  PrepareOptions options;
  CLI::App* list =
      line.app().add_subcommand("list", "every corpus, its splits, and whether its files are here");
  CLI::App* prepare =
      line.app().add_subcommand("prepare", "check a corpus's files and write its token files");
  prepare->add_option("name", options.names, "corpora")->required();
  prepare->add_option("--tokenizer", options.tokenizer, "name of a tokeniser")->capture_default_str();
  prepare->add_option("--split", options.splits, "only these splits");
  GenerateOptions made;
  CLI::App* generate = line.app().add_subcommand("generate", "write a synthetic data set, and its checksums");
  generate->add_option("name", made.name, "listops")->required();
  generate->add_option("--out", made.out, "folder for basic_train.tsv, basic_val.tsv and basic_test.tsv")
      ->required();
  generate->add_option("--seed", made.seed, "another one is another data set")->capture_default_str();
  generate->add_option("--count", made.count, "training expressions")->capture_default_str();
  generate->add_option("--valid", made.valid, "validation expressions")->capture_default_str();
  generate->add_option("--test", made.test, "test expressions")->capture_default_str();
  generate->add_option("--min-length", made.min_length, "tokens are more than this")->capture_default_str();
  generate->add_option("--max-length", made.max_length, "tokens are fewer than this")->capture_default_str();
  generate->fallthrough();
  list->fallthrough();
  prepare->fallthrough();
  line.app().require_subcommand(1);
  return line.run(arguments, [&] {
    if (list->parsed()) return list_corpora(line);
    return prepare->parsed() ? prepare_corpora(line, options) : generate_data(line, made);
  });
}

}  // namespace subband
