#include "experiments/training/recipe_remarks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "core/error.h"
#include "core/text.h"
#include "experiments/price.h"

namespace subband {

void check_prompt(const Recipe& recipe) {
  if (recipe.samples.tokens == 0) return;
  std::vector<int32_t> ids;
  try {
    const auto tokenizer = make_tokenizer(recipe);
    if (!tokenizer) return;
    tokenizer->encode(recipe.samples.prompt, ids);
  } catch (const ConfigError&) {
    throw;
  } catch (const Error&) {  // its files are not here, which whoever needs them says
    return;
  }
  if (!ids.empty()) return;
  const config::Node* prompt = recipe.resolved.at("samples.prompt");
  throw ConfigError(prompt != nullptr ? prompt->place.text() : "",
                    "samples.prompt = " + config::json_string(recipe.samples.prompt) + ": tokenizer " +
                        recipe.tokenizer->type() +
                        " makes no token of it; give words, or samples.tokens=0 for no sample text",
                    "bad_value");
}

static std::string place_of(const Recipe& recipe, const char* path) {
  const config::Node* value = recipe.resolved.at(path);
  return value != nullptr ? value->place.text() + ": " + path : path;
}

// Of a run whose length is known without its data.
static void remark_on_warmup(const Recipe& recipe, std::vector<std::string>& remarks) {
  if (!recipe.trainer.steps) return;
  const int64_t steps = *recipe.trainer.steps;
  const auto schedule = recipe.schedule.make({.steps = steps, .peak = 1});
  if (schedule->warmup() < steps) return;
  remarks.push_back(fmt::format("{} = {} steps: the run has {}, so the rate never stops rising",
                                place_of(recipe, "schedule.warmup"), schedule->warmup(), steps));
}

// A device is looked for by its file: a process that is to fork must not open it.
static bool has_cuda_device() {
  std::error_code none;
  return std::filesystem::exists("/dev/nvidiactl", none) || std::filesystem::exists("/dev/dxg", none);
}

static void remark_on_precision(const Recipe& recipe, std::vector<std::string>& remarks) {
  if (recipe.trainer.device != "auto" || recipe.trainer.precision == "fp32" || has_cuda_device()) return;
  remarks.push_back(place_of(recipe, "trainer.precision") + " = " + recipe.trainer.precision +
                    ": there is no CUDA device here; on the CPU the run computes in fp32");
}

// A swapped mixer takes its own defaults, and rotary positions are none of them.
static void remark_on_positions(const Recipe& recipe, std::vector<std::string>& remarks) {
  const auto is_none = [&](const char* path) {
    const config::Node* value = recipe.resolved.at(path);
    return value != nullptr && *value == config::Node("none");
  };
  if (is_none("net.positions") && is_none("net.mixer.rope"))
    remarks.push_back(
        place_of(recipe, "net.positions") +
        " = none: and net.mixer.rope = none; nothing tells positions apart but what the mixer does "
        "by itself");
}

std::vector<std::string> recipe_remarks(const Recipe& recipe) {
  std::vector<std::string> remarks;
  remark_on_positions(recipe, remarks);
  remark_on_precision(recipe, remarks);
  remark_on_warmup(recipe, remarks);
  return remarks;
}

std::vector<std::string> cost_remarks(const Recipe& recipe, const RecipeCost& cost, const Machine& machine) {
  std::vector<std::string> remarks;
  if (recipe.trainer.device == "cuda" || (recipe.trainer.device == "auto" && has_cuda_device()))
    return remarks;
  constexpr double kBytes = 12;  // of a parameter: weight, gradient and one state of the optimiser, in fp32
  constexpr double kMostRate = 100e9;  // operations a second that no core of today's passes
  constexpr double kDay_s = 86'400, kLeast_days = 3;
  const double bytes = kBytes * static_cast<double>(cost.parameters);
  if (bytes > machine.memory_bytes)
    remarks.push_back(fmt::format(
        "{}: {} parameters need about {} for weights, gradients and the optimiser; this "
        "machine has {}",
        recipe.name, grouped(cost.parameters), bytes_text(bytes), bytes_text(machine.memory_bytes)));
  // Of epochs only those who read the data know the steps; the published run did.
  const int64_t steps = recipe.trainer.steps.value_or(price_steps(recipe.resolved).value_or(0));
  const double sequences = static_cast<double>(recipe.trainer.batch * recipe.trainer.accumulate) *
                           static_cast<double>(steps);
  constexpr double kPasses = 3;  // forward, and backward at twice its cost
  const double days = kPasses * cost.flops * sequences / (kMostRate * machine.cores) / kDay_s;
  if (days > kLeast_days)
    remarks.push_back(
        fmt::format("{}: takes more than {:.0f} days on the CPU of this machine, {} cores, however "
                    "fast they are; it is meant for trainer.device=cuda",
                    recipe.name, days, machine.cores));
  return remarks;
}

Machine this_machine() {
  return {.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency())),
          .memory_bytes =
              static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE))};
}

}  // namespace subband
