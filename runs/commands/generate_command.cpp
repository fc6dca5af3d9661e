// subband generate: text from a run or a checkpoint.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/signals.h"
#include "core/tensors/autocast.h"
#include "core/tensors/device.h"
#include "core/tensors/prepare.h"
#include "experiments/generation/generator.h"
#include "experiments/generation/strategy_words.h"
#include "experiments/generation/text_quality.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/named_checkpoint.h"
#include "runs/commands/commands.h"
#include "runs/commands/line_reader.h"
#include "runs/commands/prompts.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

struct GenerateWords {
  std::string model;
  std::vector<std::string> prompts, prompt_files, stops;
  std::string encoding = "utf-8", window = "streaming", device, precision;
  std::optional<int64_t> tokens, seed;
  int64_t samples = 1, batch = 16;
  bool metrics = false, interactive = false;
  StrategyWords strategies;

  void add_to(CommandLine& line);
};

void GenerateWords::add_to(CommandLine& line) {
  line.words("MODEL_AND_PROMPTS", model, prompts,
             "a run (its folder, or the start of its name or identity), a checkpoint or a folder of them; then texts to go on "
             "from; none: the sample of the run's recipe is drawn anew");
  CLI::App& app = line.app();
  app.add_option("--prompt-file", prompt_files, "a file that is one prompt, - for standard input; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--encoding", encoding, "of prompts: utf-8, latin-1, or bytes as they are")->capture_default_str();
  app.add_option("--tokens", tokens, "of each text at most; default: 512")->check(above_zero());
  app.add_option("--samples", samples, "texts of each prompt")->check(above_zero())->capture_default_str();
  app.add_option("--seed", seed, "of the draws; default: the recipe's");
  app.add_option("--stop", stops, "a string that ends a text; may be repeated")->allow_extra_args(false);
  app.add_option("--window", window,
                 "streaming: every token goes on from a state; original: the last window is read again for each")
      ->check(CLI::IsMember({"streaming", "original"}))
      ->capture_default_str();
  strategies.add_to(app);
  app.add_flag("--metrics", metrics, "say of each text how likely, varied and repetitive it is");
  app.add_flag("--interactive", interactive, "go on from lines that are typed; Ctrl-C ends a text, Ctrl-D the program");
  app.add_option("--batch", batch, "texts that are read together")->check(above_zero())->capture_default_str();
  app.add_option("--device", device, "cpu, cuda or auto; default: as trained")
      ->check(CLI::IsMember({"cpu", "cuda", "auto"}));
  app.add_option("--precision", precision, "fp32, fp64, tf32, fp16 or bf16; default: as trained")
      ->check(CLI::IsMember({"fp32", "fp64", "tf32", "fp16", "bf16"}));
}

// A net that writes, and all that it was trained with.
struct Writer {
  Recipe recipe;
  std::shared_ptr<Net> net;
  std::shared_ptr<Tokenizer> tokenizer;
  Strategies strategies;
  at::Device device = at::kCPU;
  std::string precision;
};

// The recipe that a checkpoint holds. What this program cannot read was written by another version of it.
Recipe recipe_of(const Registry& registry, const Checkpoint& checkpoint, const fs::path& path) {
  try {
    return bind_recipe(registry, checkpoint.recipe, checkpoint.config);
  } catch (const ConfigError& wrong) {
    throw Error(path.string(), "checkpoint: recipe " + checkpoint.recipe + ": written by another version of the program: " +
                                   wrong.first().message);
  }
}

Writer open_writer(const Registry& registry, const GenerateWords& words, const fs::path& store) {
  const fs::path path = named_checkpoint(store, words.model);
  Checkpoint checkpoint = read_checkpoint(path);
  Writer writer{.recipe = recipe_of(registry, checkpoint, path)};
  Recipe& recipe = writer.recipe;
  if (!recipe.task.make({})->writes_text())
    throw ConfigError(path.string(), "task " + recipe.task.type() + " writes no text", "bad_value");
  const bool is_recipes_sample = words.prompts.empty() && words.prompt_files.empty() && !words.interactive;
  writer.strategies = is_recipes_sample && words.strategies.empty() ? Strategies(recipe.samples.parts)
                                                                   : bound_strategies(registry, words.strategies.spec());
  if (writer.strategies.has(SamplingStage::net) && words.window == "original")
    throw ConfigError("command line", "--window = original: fast_weight_updates keeps what it learns in a state, which there is none of",
                      "bad_value");
  writer.strategies.adapt(checkpoint.config);
  prepare_tensors(static_cast<int>(recipe.trainer.threads));
  writer.net = restore_net(registry, checkpoint);
  writer.tokenizer = make_tokenizer(recipe);
  writer.device = open_device(words.device.empty() ? recipe.trainer.device : words.device,
                              [](const std::string& text) { std::cerr << shown_message(text) << "\n"; });
  writer.precision = words.precision.empty() ? recipe.trainer.precision : words.precision;
  if (writer.precision == "fp64") writer.net->to(at::kDouble), writer.precision = "fp32";
  writer.net->to(writer.device);
  set_fp32_products(writer.precision);
  return writer;
}

struct Prompt {
  std::string text;
  std::vector<int32_t> ids;
};

Prompt prompt_of(const Writer& writer, const std::string& text, const std::string& place) {
  Prompt prompt{.text = text};
  writer.tokenizer->encode(text, prompt.ids);
  if (prompt.ids.empty()) throw ConfigError(place, "prompt: the tokeniser turns it into no token", "bad_value");
  return prompt;
}

std::vector<Prompt> prompts_of(const Writer& writer, const GenerateWords& words) {
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < words.prompts.size(); ++i) {
    const std::string place = fmt::format("command line: PROMPT {}", i + 1);
    prompts.push_back(prompt_of(writer, decoded_prompt(words.prompts[i], words.encoding, place), place));
  }
  for (const std::string& file : words.prompt_files) {
    const std::string place = file == "-" ? "standard input" : file;
    prompts.push_back(prompt_of(writer, decoded_prompt(read_prompt_file(file), words.encoding, place), place));
  }
  if (prompts.empty()) prompts.push_back(prompt_of(writer, writer.recipe.samples.prompt, "samples.prompt"));
  return prompts;
}

int64_t tokens_of(const Writer& writer, const GenerateWords& words) {
  constexpr int64_t kUsual = 512;
  const bool is_recipes_sample = words.prompts.empty() && words.prompt_files.empty() && !words.interactive;
  const int64_t sample = is_recipes_sample ? writer.recipe.samples.tokens : 0;
  return words.tokens.value_or(sample > 0 ? sample : kUsual);
}

GenerationOptions generation_options(const Writer& writer, const GenerateWords& words) {
  // A net that learns from its text reads one text alone.
  const int64_t most_rows = writer.strategies.has(SamplingStage::net) ? 1 : words.batch;
  return {.tokens = tokens_of(writer, words),
          .samples = words.samples,
          .stops = words.stops,
          .seed = static_cast<uint64_t>(words.seed.value_or(writer.recipe.seed)),
          .most_rows = most_rows,
          .source = {.length = writer.recipe.trainer.length,
                     .slides = words.window == "original",
                     .device = writer.device,
                     .precision = writer.precision,
                     .most_tried = most_rows}};
}

// Nobody has measured what a net makes of longer texts than those it was measured on.
void say_length(const Writer& writer, const GenerationOptions& options, const std::vector<Prompt>& prompts) {
  const int64_t length = writer.recipe.trainer.length;
  int64_t longest = 0;
  for (const Prompt& prompt : prompts) longest = std::max(longest, std::ssize(prompt.ids) + options.tokens);
  if (options.source.slides || writer.net->most_tokens() == 0 || longest <= length) return;
  std::cerr << fmt::format(
      "generate: up to {} tokens with the prompt, and this model was measured on {}; past them only `--window original` "
      "keeps to what was measured\n",
      longest, length);
}

std::string metrics_line(const Metrics& metrics) {
  static const std::vector<std::pair<const char*, const char*>> kNames = {
      {"mean_log_p", "MeanLogP"}, {"mean_entropy", "MeanH"}, {"distinct_1", "D1"}, {"distinct_2", "D2"},
      {"distinct_3", "D3"},       {"repeated_4", "Rep4"},    {"drift", "WavDrift"}};
  std::string line;
  for (const auto& [name, shown_as] : kNames)
    if (const auto found = metrics.find(name); found != metrics.end())
      line += fmt::format("{}{} {:.3f}", line.empty() ? "" : "  ", shown_as, found->second);
  return line;
}

// Text for a terminal is shown, never obeyed; a file gets every byte.
void put(const std::string& text) {
  std::cout << (::isatty(STDOUT_FILENO) != 0 ? shown_lines(text) : text) << std::flush;
}

nlohmann::ordered_json text_json(const GeneratedText& text, const Prompt& prompt, const GenerationOptions& options) {
  nlohmann::ordered_json metrics = nlohmann::ordered_json::object();
  for (const auto& [name, value] : text_quality({text.tokens})) metrics[name] = json_number(value);
  return {{"prompt", prompt.text},
          {"sample", text.sample},
          {"seed", options.seed},
          {"text", text.text},
          {"tokens", text.tokens.size()},
          {"prompt_tokens", prompt.ids.size()},
          {"ended", text.ended},
          {"metrics", metrics}};
}

// One text goes to the terminal as it is drawn, unless it has to be whole before it can be shown.
void show_texts(const std::vector<GeneratedText>& texts, const std::vector<Prompt>& prompts, bool is_shown) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts.size() > 1) put(fmt::format("{}--- {} of {}\n", i > 0 ? "\n" : "", i + 1, texts.size()));
    if (!is_shown) put(prompts[texts[i].prompt].text + texts[i].text);
    put("\n");
  }
}

void say_metrics(const std::vector<GeneratedText>& texts) {
  std::vector<std::vector<DrawnToken>> all;
  for (const GeneratedText& text : texts) {
    all.push_back(text.tokens);
    std::cerr << metrics_line(text_quality({text.tokens})) << "\n";
  }
  if (texts.size() > 1) std::cerr << "mean: " << metrics_line(text_quality(all)) << "\n";
}

struct Display {
  bool json = false, metrics = false, cleans = false;
};

std::vector<GeneratedText> write_texts(const Writer& writer, const std::vector<Prompt>& prompts, GenerationOptions options,
                                       const Display& display) {
  const bool as_drawn = !display.json && !display.cleans && prompts.size() * static_cast<size_t>(options.samples) == 1 &&
                        writer.strategies.attempts() == 1;
  if (as_drawn) {
    put(prompts[0].text);
    options.watch = [](size_t, const std::string& piece) { put(piece); };
  }
  std::vector<std::vector<int32_t>> ids;
  for (const Prompt& prompt : prompts) ids.push_back(prompt.ids);
  const std::vector<GeneratedText> texts = generate(*writer.net, *writer.tokenizer, writer.strategies, ids, options);
  if (display.json)
    for (const GeneratedText& text : texts)
      std::cout << json_document(text_json(text, prompts[text.prompt], options)) << std::endl;
  else
    show_texts(texts, prompts, as_drawn);
  if (display.metrics) say_metrics(texts);
  return texts;
}

int write_interactively(const Writer& writer, const GenerateWords& words, GenerationOptions options, const Display& display) {
  InterruptFlag interrupt;
  options.stop = &interrupt.raised();
  LineReader reader("subband> ");
  while (true) {
    interrupt.lower();
    const std::optional<std::string> line = reader.next();
    if (!line) return 0;
    if (line->empty()) continue;
    interrupt.lower();
    try {
      const Prompt prompt = prompt_of(writer, decoded_prompt(*line, words.encoding, "line"), "line");
      write_texts(writer, {prompt}, options, display);
    } catch (const ConfigError& wrong) {  // of this line; the next one may be better
      std::cerr << error_lines(wrong) << "\n";
    }
  }
}

int carry_out_generate(const GenerateWords& words, const CommonOptions& common) {
  if (words.interactive && (!words.prompts.empty() || !words.prompt_files.empty()))
    throw ConfigError("command line", "--interactive: takes its prompts from lines; leave the others out", "syntax");
  Registry registry;
  register_parts(registry);
  const Writer writer = open_writer(registry, words, common.store);
  GenerationOptions options = generation_options(writer, words);
  const bool metrics = (words.metrics || words.strategies.all) && !common.json;
  const Display display{.json = common.json, .metrics = metrics, .cleans = writer.strategies.has(SamplingStage::text)};
  if (words.interactive) return write_interactively(writer, words, options, display);
  const std::vector<Prompt> prompts = prompts_of(writer, words);
  if (!common.quiet) say_length(writer, options, prompts);
  const SignalWatch watch("\nstopping with the text so far; Ctrl-C once more: at once\n");
  const StopsInGoodOrder from_here;
  options.stop = &stop_asked();
  write_texts(writer, prompts, options, display);
  return stop_asked() ? kInterruptedExit : 0;
}

}  // namespace

int command_generate(Arguments arguments) {
  CommandLine line(
      "generate",
      "Draws text from a run or a checkpoint, token by token. One text goes to the terminal as it is drawn; --json gives a line\n"
      "of JSON for each. A draw depends on the seed, the sample's number and its position, not on what else is drawn.\n"
      "Without a preset temperature 1, top_p 0.95 and repetition penalty 1.1, as in WaveletLM. Ctrl-C: the text so far, exit\n"
      "code 130.",
      "subband generate 3f2a91bc \"ROMEO:\" --tokens 200 --strategies\n"
      "  subband generate logs/2026-01-01_wavelet_1a2b3c4d-s1337 --prompt-file letter.txt --top-k 40 --with lookahead");
  GenerateWords words;
  words.add_to(line);
  return line.run(arguments, [&] { return carry_out_generate(words, line.options()); });
}

namespace commands {

void add_generate(CommandTable& table) {
  table.push_back({"generate", "text from a run or a checkpoint, by decoding strategies", {}, command_generate});
}

}  // namespace commands

}  // namespace subband
