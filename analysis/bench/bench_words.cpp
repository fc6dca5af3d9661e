#include "analysis/bench/bench_words.h"

#include <algorithm>
#include <iostream>

#include "analysis/bench/targets.h"
#include "analysis/format.h"
#include "core/error.h"
#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/tensors/device.h"
#include "core/tensors/prepare.h"
#include "core/text.h"

namespace subband {

namespace bench_words {

// MiB that the system would still give out.
static double free_mib() {
  for (const std::string& line : split(read_file("/proc/meminfo"), '\n')) {
    if (!line.starts_with("MemAvailable:")) continue;
    const std::string_view number = trim(std::string_view(line).substr(13));
    if (const auto kib = parse_integer(number.substr(0, number.find(' '))))
      return static_cast<double>(*kib) / 1024;
  }
  throw Error("/proc/meminfo", "tells no MemAvailable; give --memory");
}

// Of single benches.
static void add_plans(BenchWords& words, CLI::App& app) {
  app.add_option("--heads", words.tokens.heads, "tokens: of mixers that have them")->check(above_zero())->capture_default_str();
  app.add_option("--prompt", words.tokens.prompt, "tokens, generation: length of the prompt; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--weights", words.packed.weights_mib,
                 "packed: MiB of all fp32 weights together, which --batch inputs are multiplied with")
      ->check(above_zero())
      ->capture_default_str();
  app.add_option("--rows", words.packed.rows, "packed: of each matrix")->check(above_zero())->capture_default_str();
  app.add_option("--columns", words.packed.columns, "packed: of each matrix")->check(above_zero())->capture_default_str();
  app.add_option("--rounds", words.tokens.rounds, "former, tokens, packed, ops, step, generation: interleaved rounds")
      ->check(above_zero())
      ->capture_default_str();
  app.add_option("--without", words.step.without,
                 "step: also with the reference of this operation in place of its fast path, any number of times; "
                 "`all`: of all at once");
  app.add_flag("--peers", words.step.peers,
               "step, mixers, generation: also by PyTorch (analysis/peers/), where a Python with torch is found");
  app.add_flag("--only-fp32", words.only_fp32, "generation: neither weights of few bits nor the window read again");
  app.add_flag("--compiled", words.step.compiled,
               "step with --peers, sweep: also by torch.compile, which takes minutes first, in a sweep for every cell");
  app.add_option("--jobs", words.sweep.jobs, "sweep: workers, of either side")->check(above_zero())->capture_default_str();
}

// Of passes, and of the machine.
static void add_passes(BenchWords& words, CLI::App& app) {
  MixerBenchPlan& plan = words.plan;
  app.add_option("--lengths", plan.lengths, "tokens, with commas between")->delimiter(',')->check(above_zero());
  app.add_option("--width", plan.width, "D")->check(above_zero())->capture_default_str();
  app.add_option("--batch", plan.batch, "B")->check(above_zero())->capture_default_str();
  app.add_flag("--causal,!--no-causal", plan.causal, "which form of mixers that have both");
  app.add_flag("--backward", plan.backward, "a pass is forward and backward");
  app.add_option("--device", words.device, "cpu, cuda or auto")
      ->check(CLI::IsMember({"cpu", "cuda", "auto"}))
      ->capture_default_str();
  app.add_option("--precision", words.precision, "fp32 or bf16; auto: bf16 on cuda")
      ->check(CLI::IsMember({"fp32", "bf16", "auto"}))
      ->capture_default_str();
  app.add_option("--threads", words.threads, "of the CPU")->check(above_zero())->capture_default_str();
  app.add_option("--budget", plan.budget_s, "seconds for everything")->check(above_zero())->capture_default_str();
  app.add_option("--pass-limit", plan.pass_limit_s, "seconds that one pass may take, by prediction")
      ->check(above_zero())
      ->capture_default_str();
  app.add_option("--memory", plan.memory_mib,
                 "MiB that one pass may hold, by prediction; without it: half of what is free")
      ->check(above_zero());
}

}  // namespace bench_words

void BenchWords::add_to(CLI::App& app) {
  plan.memory_mib = 0;
  app.add_option("WHAT", what,
                 "`mixers`: passes over whole windows; `tokens`: the next token behind so many, and prompts; then "
                 "perhaps names of mixers, for tokens wavelet_lm too; `former`: such passes beside those of a former state "
                 "of the program, then its file and names of mixers; `packed`: products with weights of few bits; `ops`: "
                 "every operation with a fast path, then perhaps names of operations; `step`: a training step of a recipe, "
                 "then its name and overrides; `generation`: text from a recipe's net, alike; `sweep`: a whole sweep beside "
                 "Hydra's joblib launcher with PyTorch, then its name and overrides")
      ->required();
  bench_words::add_plans(*this, app);
  bench_words::add_passes(*this, app);
  app.add_option("--format", format, "text, md, json, csv, html or latex")->capture_default_str();
  app.add_option("--target", targets,
                 "what a figure is to reach, any number of times: 'eager/subband>=2', 'PyTorch/* at *>=1.5'; the report says "
                 "which are met, its JSON which figures there are")
      ->allow_extra_args(false);
}

void BenchWords::settle() {
  std::ranges::sort(plan.lengths);
  plan.peers = step.peers;
  plan.device = open_device(device, [](const std::string& text) { std::cerr << shown_message(text) << "\n"; });
  const bool half = precision == "bf16" || (precision == "auto" && plan.device.is_cuda());
  plan.type = half ? c10::kBFloat16 : c10::kFloat;
  if (plan.memory_mib == 0) plan.memory_mib = bench_words::free_mib() / 2;
  for (const std::string& target : targets) read_target(target);  // before anything is measured
  make_format(format);
  prepare_tensors(static_cast<int>(threads));
}

void BenchWords::show(Report report, const CommonOptions& options) const {
  std::vector<BenchTarget> read;
  for (const std::string& target : targets) read.push_back(read_target(target));
  judge(report, read);
  std::cout << make_format(options.json ? "json" : format, {.columns = 160})->write(report);
}

}  // namespace subband
