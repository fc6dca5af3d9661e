// subband bench: speed and memory side by side, with yardsticks of the same run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "analysis/bench/measure_generation.h"
#include "analysis/bench/measure_mixers.h"
#include "analysis/bench/measure_ops.h"
#include "analysis/bench/measure_packed.h"
#include "analysis/bench/measure_step.h"
#include "analysis/bench/measure_sweep.h"
#include "analysis/bench/measure_tokens.h"
#include "analysis/commands/commands.h"
#include "analysis/format.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/progress.h"
#include "core/tensors/device.h"
#include "core/tensors/prepare.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace subband {

namespace {

struct BenchWords {
  std::vector<std::string> what;
  MixerBenchPlan plan;
  TokenBenchPlan tokens;
  PackedBenchPlan packed;
  StepBenchPlan step;
  GenerationBenchPlan generation;
  std::string device = "auto", precision = "auto";
  int64_t threads = 1;
  bool only_fp32 = false;
  int jobs = 2;

  void add_to(CLI::App& app) {
    plan.memory_mib = 0;
    app.add_option("WHAT", what,
                   "`mixers`: passes over whole windows; `tokens`: the next token behind so many, and prompts; then "
                   "perhaps names of mixers, for tokens wavelet_lm too; `packed`: products with weights of few bits; `ops`: "
                   "every operation with a fast path, then perhaps names of operations; `step`: a training step of a recipe, "
                   "then its name and overrides; `generation`: text from a recipe's net, alike; `sweep`: a whole sweep beside "
                   "Hydra's joblib launcher with PyTorch, then its name and overrides")
        ->required();
    app.add_option("--heads", tokens.heads, "tokens: of mixers that have them")->check(above_zero())->capture_default_str();
    app.add_option("--prompt", tokens.prompt, "tokens, generation: length of the prompt; 0: none")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--weights", packed.weights_mib, "packed: MiB of all fp32 weights together, which --batch inputs are multiplied with")
        ->check(above_zero())
        ->capture_default_str();
    app.add_option("--rows", packed.rows, "packed: of each matrix")->check(above_zero())->capture_default_str();
    app.add_option("--columns", packed.columns, "packed: of each matrix")->check(above_zero())->capture_default_str();
    app.add_option("--rounds", tokens.rounds, "tokens, packed, ops, step, generation: interleaved rounds")
        ->check(above_zero())
        ->capture_default_str();
    app.add_option("--without", step.without,
                   "step: also with the reference of this operation in place of its fast path, any number of times; "
                   "`all`: of all at once");
    app.add_flag("--peers", step.peers,
                 "step, mixers, generation: also by PyTorch (analysis/peers/), where a Python with torch is found");
    app.add_flag("--only-fp32", only_fp32, "generation: neither weights of few bits nor the window read again");
    app.add_flag("--compiled", step.compiled,
                 "step with --peers, sweep: also by torch.compile, which takes minutes first, in a sweep for every cell");
    app.add_option("--jobs", jobs, "sweep: workers, of either side")->check(above_zero())->capture_default_str();
    app.add_option("--lengths", plan.lengths, "tokens, with commas between")
        ->delimiter(',')
        ->check(above_zero());
    app.add_option("--width", plan.width, "D")->check(above_zero())->capture_default_str();
    app.add_option("--batch", plan.batch, "B")->check(above_zero())->capture_default_str();
    app.add_flag("--causal,!--no-causal", plan.causal, "which form of mixers that have both");
    app.add_flag("--backward", plan.backward, "a pass is forward and backward");
    app.add_option("--device", device, "cpu, cuda or auto")
        ->check(CLI::IsMember({"cpu", "cuda", "auto"}))
        ->capture_default_str();
    app.add_option("--precision", precision, "fp32 or bf16; auto: bf16 on cuda")
        ->check(CLI::IsMember({"fp32", "bf16", "auto"}))
        ->capture_default_str();
    app.add_option("--threads", threads, "of the CPU")->check(above_zero())->capture_default_str();
    app.add_option("--budget", plan.budget_s, "seconds for everything")
        ->check(above_zero())
        ->capture_default_str();
    app.add_option("--pass-limit", plan.pass_limit_s, "seconds that one pass may take, by prediction")
        ->check(above_zero())
        ->capture_default_str();
    app.add_option("--memory", plan.memory_mib,
                   "MiB that one pass may hold, by prediction; without it: half of what is free")
        ->check(above_zero());
  }
};

// MiB that the system would still give out.
double free_mib() {
  for (const std::string& line : split(read_file("/proc/meminfo"), '\n')) {
    if (!line.starts_with("MemAvailable:")) continue;
    const std::string_view number = trim(std::string_view(line).substr(13));
    if (const auto kib = parse_integer(number.substr(0, number.find(' '))))
      return static_cast<double>(*kib) / 1024;
  }
  throw Error("/proc/meminfo", "tells no MemAvailable; give --memory");
}

// `subband bench tokens`
int bench_tokens(const BenchWords& words, const Registry& registry, const CommonOptions& options) {
  TokenBenchPlan plan = words.tokens;
  plan.names.assign(words.what.begin() + 1, words.what.end());
  plan.positions = words.plan.lengths.empty() ? std::vector<int64_t>{1024, 8192, 65536} : words.plan.lengths;
  plan.width = words.plan.width, plan.batch = words.plan.batch;
  plan.device = words.plan.device, plan.type = words.plan.type;
  const Report report = measure_tokens(registry, plan, [&](const std::string& note) {
    if (!options.quiet) std::cerr << "bench: " << note << "\n";
  });
  std::cout << make_format(options.json ? "json" : "text", {.columns = 160})->write(report);
  return 0;
}

// `subband bench packed`
int bench_packed(const BenchWords& words, const CommonOptions& options) {
  if (words.what.size() > 1)
    throw ConfigError("command line", words.what[1] + ": packed measures no parts by name", "unknown_option");
  PackedBenchPlan plan = words.packed;
  plan.inputs = words.plan.batch, plan.rounds = words.tokens.rounds;
  const Report report = measure_packed(plan, [&](const std::string& note) {
    if (!options.quiet) std::cerr << "bench: " << note << "\n";
  });
  std::cout << make_format(options.json ? "json" : "text", {.columns = 160})->write(report);
  return 0;
}

// `subband bench ops`
int bench_ops(const BenchWords& words, const CommonOptions& options) {
  OpBenchPlan plan{.ops = {words.what.begin() + 1, words.what.end()}};
  plan.width = words.plan.width, plan.rounds = words.tokens.rounds;
  const Report report = measure_ops(plan, [&](const std::string& note) {
    if (!options.quiet) std::cerr << "bench: " << note << "\n";
  });
  std::cout << make_format(options.json ? "json" : "text", {.columns = 160})->write(report);
  return 0;
}

// `subband bench sweep`
int bench_sweep(const BenchWords& words, const Registry& registry, const CommonOptions& options) {
  SweepBenchPlan plan{.jobs = words.jobs, .compiled = words.step.compiled};
  if (words.what.size() > 1) plan.sweep = words.what[1], plan.overrides = {words.what.begin() + 2, words.what.end()};
  const Report report = measure_sweep(registry, plan, [&](const std::string& note) {
    if (!options.quiet) std::cerr << "bench: " << note << "\n";
  });
  std::cout << make_format(options.json ? "json" : "text", {.columns = 160})->write(report);
  return 0;
}

// `subband bench step`
int bench_step(const BenchWords& words, const Registry& registry, const CommonOptions& options) {
  if (words.what.size() < 2)
    throw ConfigError("command line", "WHAT = step: needs a recipe; `subband list recipes` names them", "missing");
  RecipeRequest request{.name = words.what[1], .overrides = {words.what.begin() + 2, words.what.end()}, .folders = {}};
  request.overrides.emplace_back("trainer.device=cpu");
  const Recipe recipe = load_recipe(registry, request);
  StepBenchPlan plan = words.step;
  plan.rounds = words.tokens.rounds;
  const StepBench bench = measure_step(recipe, plan, [&](const std::string& note) {
    if (!options.quiet) std::cerr << "bench: " << note << "\n";
  });
  if (options.json)
    std::cout << json_document(bench.json(), 2) << "\n";
  else
    std::cout << make_format("text", {.columns = 160})->write(bench.report());
  return 0;
}

// `subband bench generation`
int bench_generation(const BenchWords& words, const Registry& registry, const CommonOptions& options) {
  if (words.what.size() < 2)
    throw ConfigError("command line", "WHAT = generation: needs a recipe; `subband list recipes` names them", "missing");
  const Recipe recipe =
      load_recipe(registry, {.name = words.what[1], .overrides = {words.what.begin() + 2, words.what.end()}, .folders = {}});
  GenerationBenchPlan plan = words.generation;
  plan.rounds = words.tokens.rounds, plan.prompt = words.tokens.prompt, plan.peers = words.step.peers;
  plan.packed = plan.window = !words.only_fp32;
  const Report report = measure_generation(recipe, plan, [&](const std::string& note) {
    if (!options.quiet) std::cerr << "bench: " << note << "\n";
  });
  std::cout << make_format(options.json ? "json" : "text", {.columns = 160})->write(report);
  return 0;
}

}  // namespace

int command_bench(Arguments arguments) {
  CommandLine line(
      "bench", "Time and memory of mixers as the sequence grows, and of a training step, with yardsticks of the same run.",
      "subband bench mixers\n  subband bench mixers wersa performer --lengths 1024,4096 --backward\n"
      "  subband bench tokens softmax_attention wavelet_lm --lengths 1024,8192 --width 512 --heads 8\n"
      "  subband bench packed --columns 2048 --weights 4096\n"
      "  subband bench ops lifting_analysis fwht --width 256\n"
      "  subband bench generation wikitext_103/waveletlm_883m trainer.device=cpu trainer.precision=fp32 --rounds 3\n"
      "  subband bench step tinyshakespeare/wavelet --without lifting_analysis --peers\n"
      "  subband bench sweep quickstart --jobs 2");
  BenchWords words;
  words.add_to(line.app());
  return line.run(arguments, [&] {
    const std::vector<std::string> known = {"generation", "mixers", "ops", "packed", "step", "sweep", "tokens"};
    if (std::ranges::find(known, words.what[0]) == known.end())
      throw ConfigError("command line", words.what[0] + ": cannot be benched" + suggestion(words.what[0], known),
                        "unknown_option");
    MixerBenchPlan& plan = words.plan;
    plan.mixers.assign(words.what.begin() + 1, words.what.end());
    plan.peers = words.step.peers;
    std::ranges::sort(plan.lengths);
    plan.device =
        open_device(words.device, [](const std::string& text) { std::cerr << shown_message(text) << "\n"; });
    const bool half = words.precision == "bf16" || (words.precision == "auto" && plan.device.is_cuda());
    plan.type = half ? c10::kBFloat16 : c10::kFloat;
    if (plan.memory_mib == 0) plan.memory_mib = free_mib() / 2;
    prepare_tensors(static_cast<int>(words.threads));
    if (words.what[0] == "packed") return bench_packed(words, line.options());
    if (words.what[0] == "ops") return bench_ops(words, line.options());
    Registry registry;
    register_parts(registry);
    if (words.what[0] == "generation") return bench_generation(words, registry, line.options());
    if (words.what[0] == "sweep") return bench_sweep(words, registry, line.options());
    if (words.what[0] == "step") return bench_step(words, registry, line.options());
    if (words.what[0] == "tokens") return bench_tokens(words, registry, line.options());
    if (plan.lengths.empty()) plan.lengths = {1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072};
    std::optional<Progress> progress;
    const MixerBench bench =
        measure_mixers(registry, plan, [&](double seconds, double budget, const std::string& note) {
          if (!progress) progress.emplace("bench", "s", std::llround(budget), line.options().quiet);
          progress->update(std::llround(seconds), note);
        });
    progress.reset();
    const auto folder = line.options().store / "bench";
    for (const std::string& problem : write_mixer_bench(bench, folder))
      std::cerr << shown_message(problem) << "\n";
    const auto text = make_format("text", {.columns = 160});
    if (line.options().json)
      std::cout << json_document(bench.json(), 2) << "\n";
    else
      std::cout << text->write(bench.time_report()) << "\n" << text->write(bench.memory_report());
    std::cerr << "written: " << (folder / "mixers.md").string() << ", mixers_time.svg, mixers_memory.svg\n";
    return 0;
  });
}

namespace commands {

void add_bench(CommandTable& table) {
  table.push_back({"bench", "time and memory of mixers as the sequence grows", {"mixers"}, command_bench});
}

}  // namespace commands

}  // namespace subband
