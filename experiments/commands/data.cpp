#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/config/interpolation.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/data/corpus.h"
#include "experiments/data/list_expressions.h"
#include "experiments/data/own_data.h"
#include "experiments/data/files/token_file.h"

namespace subband {

namespace {

struct PrepareOptions {
  std::vector<std::string> names;
  Folders folders = {};
  std::string tokenizer = "bytes";
  std::vector<std::string> splits;
};

// A corpus that cannot be used is listed with the reason: the list is how one finds out.
nlohmann::ordered_json listed(const Registry& registry, const std::string& name, const Folders& folders) {
  nlohmann::ordered_json entry = {{"name", name}};
  try {
    const auto data = open_corpus(registry, name, {}, folders);
    entry["splits"] = data->splits();
    entry["files"] = data->manifest();
  } catch (const Error& wrong) {
    entry["problem"] = wrong.first().line();
  }
  return entry;
}

int list_corpora(const CommandLine& line, const Folders& folders) {
  Registry registry;
  register_corpora_parts(registry);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const std::string& name : corpus_names(registry, folders))
    all.push_back(listed(registry, name, folders));
  if (line.options().json) {
    std::cout << json_document({{"data", all}}, 2) << "\n";
    return 0;
  }
  for (const auto& entry : all) {
    const std::string splits =
        entry.contains("splits") ? join(entry["splits"].get<std::vector<std::string>>(), " ") : "";
    const std::string state = entry.contains("problem") ? entry["problem"].get<std::string>() : "here";
    std::cout << fmt::format("{:<24} {:<20} {}\n", shown(entry["name"].get<std::string>()), shown(splits),
                             shown_message(state));
  }
  return 0;
}

int prepare_corpora(const CommandLine& line, const PrepareOptions& options) {
  Registry registry;
  register_corpora_parts(registry);
  const auto tokenizer = open_tokenizer(registry, options.tokenizer);
  nlohmann::ordered_json prepared = nlohmann::ordered_json::array();
  for (const std::string& name : options.names) {
    const auto data = open_corpus(registry, name, {}, options.folders);
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
                                 shown(file.path().string()));
    }
  }
  if (line.options().json)
    std::cout << json_document({{"tokenizer", options.tokenizer}, {"prepared", prepared}}, 2) << "\n";
  return 0;
}

struct AddOptions {
  std::string name, field = "text";
  std::vector<std::string> paths;
  double valid = 0.05, test = 0.05;
};

// Opened once before it is written: what cannot be read is said now.
int add_data(const CommandLine& line, const AddOptions& options, const Folders& folders) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (options.name.empty() || !std::ranges::all_of(options.name, is_plain))
    throw ConfigError("command line", "NAME = " + options.name + ": must be letters, digits, '_' and '-'",
                      "bad_value");
  Registry registry;
  register_corpora_parts(registry);
  config::Node spec = own_data_spec(options.name, options.paths);
  spec.set("field", config::Node(options.field));
  spec.set("valid", config::Node(options.valid));
  spec.set("test", config::Node(options.test));
  const auto data = open_part_as_corpus(registry, spec);
  nlohmann::ordered_json bytes = nlohmann::ordered_json::object();
  for (const std::string& split : data->splits()) bytes[split] = data->text(split).text.size();
  const std::filesystem::path file =
      (folders.empty() ? program_root() / "experiments/data" : folders.front() / "data") /
      (options.name + ".yaml");
  if (lies_there(file)) throw Error(file.string(), "is there already; take another name, or remove it");
  write_file(file, "# Own texts, as `subband data add` wrote it.\n" + config::to_yaml(config::literal(spec)));
  if (line.options().json) {
    std::cout << json_document({{"file", file.string()}, {"bytes", bytes}}, 2) << "\n";
    return 0;
  }
  std::cout << shown(file.string()) << "\n";
  for (const auto& [split, count] : bytes.items())
    std::cout << fmt::format("  {:<6} {:>14} bytes\n", split, grouped(count.get<int64_t>()));
  std::cout << "train on it: subband run tinyshakespeare/wavelet data=" << options.name
            << (folders.empty() ? "" : " --config-dir " + shown(folders.front().string())) << "\n";
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
  if (line.options().json) std::cout << json_document({{"generated", files}}, 2) << "\n";
  return 0;
}

}  // namespace

int command_data(Arguments arguments) {
  CommandLine line(
      "data",
      "Data sets: what there is, own texts under a name, token files made ahead of the first run, "
      "synthetic sets.",
      "subband data prepare tinyshakespeare --tokenizer gpt2");
  PrepareOptions options;
  CLI::App* list =
      line.app().add_subcommand("list", "every corpus, its splits, and whether its files are here");
  CLI::App* prepare =
      line.app().add_subcommand("prepare", "check a corpus's files and write its token files");
  prepare->add_option("name", options.names, "corpora")->required();
  prepare->add_option("--tokenizer", options.tokenizer, "name of a tokeniser")->capture_default_str();
  prepare->add_option("--split", options.splits, "only these splits");
  AddOptions added;
  CLI::App* add = line.app().add_subcommand(
      "add",
      "give own texts a name: files, folders, globs, .jsonl; then data=NAME, or data=PATH without a name");
  add->add_option("name", added.name, "what data= will call them")->required();
  add->add_option("path", added.paths, "files, folders and globs")->required();
  add->add_option("--field", added.field, "of a line of JSON: where its text is")->capture_default_str();
  add->add_option("--valid", added.valid, "the part of all bytes to validate on")->capture_default_str();
  add->add_option("--test", added.test, "the part of all bytes to test on; 0: none")->capture_default_str();
  add->fallthrough();
  line.app()
      .add_option("--config-dir", options.folders,
                  "one more folder whose data/ is searched; add writes there")
      ->allow_extra_args(false);
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
    if (list->parsed()) return list_corpora(line, options.folders);
    if (add->parsed()) return add_data(line, added, options.folders);
    return prepare->parsed() ? prepare_corpora(line, options) : generate_data(line, made);
  });
}

namespace commands {

void add_data(CommandTable& table) {
  table.push_back({"data", "corpora: list, add and prepare", {"list|add|prepare|generate"}, command_data});
}

}  // namespace commands

}  // namespace subband
