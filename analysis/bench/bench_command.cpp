// subband bench: speed and memory side by side, with yardsticks of the same run.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <optional>

#include "analysis/bench/bench_words.h"
#include "analysis/commands/commands.h"
#include "core/error.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/program/progress.h"
#include "core/text.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"

namespace subband {

namespace bench_command {

using Tell = std::function<void(const std::string&)>;

/// What was asked for, and where its answer goes.
struct Bench {
  BenchWords& words;
  const CommonOptions& options;
  Tell tell;
  std::optional<Registry> registry = {};

  const Registry& parts() {
    if (!registry) register_parts(registry.emplace());
    return *registry;
  }
  Recipe recipe(const std::vector<std::string>& more = {}) {
    if (words.what.size() < 2)
      throw ConfigError("command line", "WHAT = " + words.what[0] + ": needs a recipe; `subband list recipes` names them",
                        "missing");
    RecipeRequest request{.name = words.what[1], .overrides = words.rest(2), .folders = {}};
    request.overrides.insert(request.overrides.end(), more.begin(), more.end());
    return load_recipe(parts(), request);
  }
};

static Report tokens(Bench& bench) {
  const MixerBenchPlan& passes = bench.words.plan;
  TokenBenchPlan plan = bench.words.tokens;
  plan.names = bench.words.rest();
  plan.positions = passes.lengths.empty() ? std::vector<int64_t>{1024, 8192, 65536} : passes.lengths;
  plan.width = passes.width, plan.batch = passes.batch, plan.device = passes.device, plan.type = passes.type;
  return measure_tokens(bench.parts(), plan, bench.tell);
}

static Report packed(Bench& bench) {
  if (bench.words.what.size() > 1)
    throw ConfigError("command line", bench.words.what[1] + ": packed measures no parts by name", "unknown_option");
  PackedBenchPlan plan = bench.words.packed;
  plan.inputs = bench.words.plan.batch, plan.rounds = bench.words.tokens.rounds;
  return measure_packed(plan, bench.tell);
}

static Report ops(Bench& bench) {
  OpBenchPlan plan{.ops = bench.words.rest()};
  plan.width = bench.words.plan.width, plan.rounds = bench.words.tokens.rounds;
  return measure_ops(plan, bench.tell);
}

static Report sweep(Bench& bench) {
  SweepBenchPlan plan = bench.words.sweep;
  plan.compiled = bench.words.step.compiled;
  if (bench.words.what.size() > 1) plan.sweep = bench.words.what[1], plan.overrides = bench.words.rest(2);
  return measure_sweep(bench.parts(), plan, bench.tell);
}

static Report step(Bench& bench) {
  const Recipe recipe = bench.recipe({"trainer.device=cpu"});
  StepBenchPlan plan = bench.words.step;
  plan.rounds = bench.words.tokens.rounds;
  return measure_step(recipe, plan, bench.tell).report();
}

static Report generation(Bench& bench) {
  const Recipe recipe = bench.recipe();
  GenerationBenchPlan plan = bench.words.generation;
  plan.rounds = bench.words.tokens.rounds, plan.prompt = bench.words.tokens.prompt, plan.peers = bench.words.step.peers;
  plan.packed = plan.window = !bench.words.only_fp32;
  return measure_generation(recipe, plan, bench.tell);
}

static Report former(Bench& bench) {
  const BenchWords& words = bench.words;
  if (words.what.size() < 3)
    throw ConfigError("command line", "WHAT = former: needs the file of a former program, and mixers", "missing");
  const std::vector<int64_t> lengths = words.plan.lengths.empty() ? std::vector<int64_t>{8192, 131072} : words.plan.lengths;
  return measure_former({.former = words.what[1],
                         .program = "",
                         .mixers = words.rest(2),
                         .lengths = lengths,
                         .width = words.plan.width,
                         .batch = words.plan.batch,
                         .threads = words.threads,
                         .backward = words.plan.backward,
                         .rounds = words.tokens.rounds,
                         .memory_mib = words.plan.memory_mib},
                        bench.tell);
}

// With files of its own: a page and two pictures.
static Report mixers(Bench& bench) {
  MixerBenchPlan& plan = bench.words.plan;
  plan.mixers = bench.words.rest();
  if (plan.lengths.empty()) plan.lengths = {1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072};
  std::optional<Progress> progress;
  const MixerBench measured =
      measure_mixers(bench.parts(), plan, [&](double seconds, double budget, const std::string& note) {
        if (!progress) progress.emplace("bench", "s", std::llround(budget), bench.options.quiet);
        progress->update(std::llround(seconds), note);
      });
  progress.reset();
  const auto folder = bench.options.store / "bench";
  for (const std::string& problem : write_mixer_bench(measured, folder)) std::cerr << shown_message(problem) << "\n";
  std::cerr << "written: " << (folder / "mixers.md").string() << ", mixers_time.svg, mixers_memory.svg\n";
  Report report = measured.time_report(), memory = measured.memory_report();
  report.blocks.push_back(Heading{memory.title});
  for (ReportBlock& block : memory.blocks) report.blocks.push_back(std::move(block));
  return report;
}

struct Kind {
  const char* name;
  Report (*measure)(Bench&);
};
constexpr Kind kKinds[] = {{"former", former}, {"generation", generation}, {"mixers", mixers}, {"ops", ops},
                           {"packed", packed}, {"step", step},             {"sweep", sweep},   {"tokens", tokens}};

}  // namespace bench_command

int command_bench(Arguments arguments) {
  CommandLine line(
      "bench", "Time and memory of mixers as the sequence grows, and of a training step, with yardsticks of the same run.",
      "subband bench mixers\n  subband bench mixers wersa performer --lengths 1024,4096 --backward\n"
      "  subband bench tokens softmax_attention wavelet_lm --lengths 1024,8192 --width 512 --heads 8\n"
      "  subband bench packed --columns 2048 --weights 4096\n"
      "  subband bench ops lifting_analysis fwht --width 256\n"
      "  subband bench generation wikitext_103/waveletlm_883m trainer.device=cpu trainer.precision=fp32 --rounds 3\n"
      "  subband bench step tinyshakespeare/wavelet --without lifting_analysis --peers --target 'eager/subband>=2'\n"
      "  subband bench sweep quickstart --jobs 2");
  BenchWords words;
  words.add_to(line.app());
  return line.run(arguments, [&] {
    const auto* kind = std::ranges::find_if(bench_command::kKinds,
                                            [&](const bench_command::Kind& each) { return each.name == words.what[0]; });
    if (kind == std::end(bench_command::kKinds)) {
      std::vector<std::string> known;
      for (const bench_command::Kind& each : bench_command::kKinds) known.emplace_back(each.name);
      throw ConfigError("command line", words.what[0] + ": cannot be benched" + suggestion(words.what[0], known),
                        "unknown_option");
    }
    words.settle();
    bench_command::Bench bench{.words = words, .options = line.options(), .tell = [&](const std::string& note) {
                                 if (!line.options().quiet) std::cerr << "bench: " << note << "\n";
                               }};
    words.show(kind->measure(bench), line.options());
    return 0;
  });
}

namespace commands {

void add_bench(CommandTable& table) {
  table.push_back({"bench", "time and memory of mixers as the sequence grows", {"mixers"}, command_bench});
}

}  // namespace commands

}  // namespace subband
