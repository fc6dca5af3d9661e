#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/languages/json.h"
#include "core/program/command_table.h"
#include "core/text.h"
#include "experiments/commands/commands.h"
#include "experiments/data/corpus.h"
#include "experiments/data/files/unpack.h"

namespace subband {

namespace {

struct TokenizeOptions {
  std::string what;
  std::string tokenizer = "gpt2";
  std::vector<std::string> splits;
  int64_t show = 0;
};

struct TokenCounts {
  std::string split;
  int64_t bytes = 0, words = 0;
  double seconds = 0;
  std::vector<int32_t> ids;

  double bytes_per_token() const { return static_cast<double>(bytes) / static_cast<double>(ids.size()); }
  double mb_per_s() const { return static_cast<double>(bytes) / 1e6 / seconds; }
};

TokenCounts count_tokens(const Data& data, const Tokenizer& tokenizer, const std::string& split) {
  using Clock = std::chrono::steady_clock;
  const TextSplit text = data.text(split);
  TokenCounts counts{.split = split, .bytes = static_cast<int64_t>(text.text.size()), .words = text.words};
  const auto start = Clock::now();
  tokenizer.encode(text.text, counts.ids);
  counts.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return counts;
}

std::vector<int32_t> first_ids(const TokenCounts& counts, int64_t number) {
  const auto shown = std::min(static_cast<size_t>(number), counts.ids.size());
  return {counts.ids.begin(), counts.ids.begin() + static_cast<std::ptrdiff_t>(shown)};
}

nlohmann::ordered_json as_json(const TokenCounts& counts, int64_t show) {
  nlohmann::ordered_json json = {{"split", counts.split},
                                 {"tokens", counts.ids.size()},
                                 {"bytes", counts.bytes},
                                 {"words", counts.words},
                                 {"bytes_per_token", counts.bytes_per_token()},
                                 {"mb_per_s", counts.mb_per_s()}};
  if (show > 0) json["ids"] = first_ids(counts, show);
  return json;
}

std::string as_text(const Data& data, const Tokenizer& tokenizer, const TokenizeOptions& options,
                    const TokenCounts& counts) {
  std::string text = fmt::format("{}, split {}, {} (vocabulary {})\n", data.name(), counts.split,
                                 options.tokenizer, grouped(tokenizer.vocabulary()));
  text += fmt::format("  tokens           {}\n  bytes            {}\n  words            {}\n",
                      grouped(static_cast<int64_t>(counts.ids.size())), grouped(counts.bytes),
                      grouped(counts.words));
  text += fmt::format("  bytes per token  {:.5f}\n  speed            {:.1f} MB/s\n", counts.bytes_per_token(),
                      counts.mb_per_s());
  for (const int32_t id : first_ids(counts, options.show))
    text += fmt::format("  {:>6}  {}\n", id, json_document(tokenizer.decode(std::span(&id, 1))));
  return text;
}

}  // namespace

int command_tokenize(Arguments arguments) {
  CommandLine line("tokenize", "Counts and times the tokens of a corpus or of a file.",
                   "subband tokenize wikitext_2_raw_test --tokenizer gpt2");
  TokenizeOptions options;
  line.app()
      .add_option("what", options.what, "a corpus (see subband data list) or a file, packed or not")
      ->required();
  std::vector<std::filesystem::path> folders;
  line.config_dirs(folders);
  line.app().add_option("--tokenizer", options.tokenizer, "name of a tokeniser")->capture_default_str();
  line.app().add_option("--split", options.splits, "only these splits");
  line.app()
      .add_option("--show", options.show, "print the first ids, with their text")
      ->check(CLI::NonNegativeNumber);
  return line.run(arguments, [&] {
    Registry registry;
    register_corpora_parts(registry);
    const auto tokenizer = open_tokenizer(registry, options.tokenizer);
    const std::filesystem::path plain = packed_file(options.what);
    const bool is_lines = plain.string().find(".jsonl") != std::string::npos;  // a text inside, and splits
    const bool is_file = !is_lines && std::filesystem::is_regular_file(plain);
    const auto data = is_file ? open_file_as_corpus(registry, options.what)
                              : open_corpus(registry, options.what, {}, folders);
    tokenizer->decode(std::vector<int32_t>{0});  // reads its files now, not on the clock
    nlohmann::ordered_json splits = nlohmann::ordered_json::array();
    for (const std::string& split : options.splits.empty() ? data->splits() : options.splits) {
      const TokenCounts counts = count_tokens(*data, *tokenizer, split);
      if (!line.options().json) std::cout << as_text(*data, *tokenizer, options, counts);
      splits.push_back(as_json(counts, options.show));
    }
    if (line.options().json)
      std::cout << json_document({{"data", data->name()},
                                  {"tokenizer", options.tokenizer},
                                  {"vocabulary", tokenizer->vocabulary()},
                                  {"fingerprint", tokenizer->fingerprint()},
                                  {"splits", splits}},
                                 2)
                << "\n";
    return 0;
  });
}

namespace commands {

void add_tokenize(CommandTable& table) {
  table.push_back({"tokenize", "count and time the tokens of a text", {}, command_tokenize});
}

}  // namespace commands

}  // namespace subband
