#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/corpus.h"
#include "experiments/token_file.h"

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

}  // namespace

int command_data(Arguments arguments) {
  CommandLine line("data", "Corpora: what there is, and token files made ahead of the first run.",
                   "subband data prepare tinyshakespeare --tokenizer gpt2");
  PrepareOptions options;
  CLI::App* list =
      line.app().add_subcommand("list", "every corpus, its splits, and whether its files are here");
  CLI::App* prepare =
      line.app().add_subcommand("prepare", "check a corpus's files and write its token files");
  prepare->add_option("name", options.names, "corpora")->required();
  prepare->add_option("--tokenizer", options.tokenizer, "name of a tokeniser")->capture_default_str();
  prepare->add_option("--split", options.splits, "only these splits");
  list->fallthrough();
  prepare->fallthrough();
  line.app().require_subcommand(1);
  return line.run(arguments,
                  [&] { return list->parsed() ? list_corpora(line) : prepare_corpora(line, options); });
}

}  // namespace subband
