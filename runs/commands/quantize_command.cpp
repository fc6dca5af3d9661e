// subband quantize: a trained checkpoint as one file of few bits a weight, or what few bits cost.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/text.h"
#include "experiments/parts.h"
#include "experiments/quantisation/packing.h"
#include "experiments/quantisation/packing_table.h"
#include "experiments/training/checkpoints/named_checkpoint.h"
#include "runs/commands/commands.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

constexpr int kLeftAlone = 16;

struct QuantizeWords {
  std::string checkpoint, accounting = "honest";
  fs::path out;
  std::vector<std::string> tiers, groups = {"original"}, methods = {"nearest"};
  std::vector<int> bits;
  bool zeros = false, each = false, measure = false;
  CalibrationText calibration;
  ComparisonText comparison;

  void add_to(CLI::App& app) {
    app.add_option("CHECKPOINT", checkpoint,
                   "a checkpoint file, a folder of them, a run's folder, name or identity")
        ->required();
    app.add_option("--out", out,
                   "the file to write; a model by itself for every command that takes a checkpoint");
    app.add_option(
           "--bits", bits,
           "of every tier: 8, 4, 3 or 2; without it WaveletLM's: mixer_coarse 8, mixer_mid 4, mixer_fine 2, "
           "mlp 4, lifting 16, embedding 8")
        ->delimiter(',')
        ->check(CLI::IsMember({8, 4, 3, 2}));
    app.add_option("--tier", tiers, "bits of one tier, mlp=4; 16: left alone")->delimiter(',');
    app.add_option(
           "--group", groups,
           "values with one scale: tensor, row, 32, 64, 128, 256, or original: a row, of an embedding "
           "table all of it")
        ->delimiter(',')
        ->capture_default_str();
    app.add_flag("--asymmetric", zeros, "a zero beside every scale");
    app.add_option("--method", methods, "nearest: to the nearest value; gptq: with error feedback")
        ->delimiter(',')
        ->check(CLI::IsMember({"nearest", "gptq"}))
        ->capture_default_str();
    app.add_option("--calibration", calibration.file,
                   "text whose inputs gptq is made for; without it: training data");
    app.add_option("--calibration-tokens", calibration.tokens, "about so many")
        ->check(above_zero())
        ->capture_default_str();
    app.add_option("--accounting", accounting,
                   "honest: bytes of the file; original: as WaveletLM reports, a byte a value")
        ->check(CLI::IsMember({"honest", "original"}))
        ->capture_default_str();
    app.add_flag("--measure", measure,
                 "bits per byte, KL to the dense net, and how often the likeliest token is the same");
    app.add_flag(
        "--each", each,
        "measures every tier by itself, then all of them, for all --bits, --group and --method; no file");
    app.add_option("--split", comparison.split, "text that is measured")->capture_default_str();
    app.add_option("--tokens", comparison.most_tokens, "measured at most, from the start")
        ->check(above_zero());
  }

  std::vector<int> all_bits() const { return bits.empty() ? std::vector<int>{8, 4, 3, 2} : bits; }
  bool feeds_back() const { return std::ranges::find(methods, "gptq") != methods.end(); }
  void expect_one() const {
    if (each) {
      if (!out.empty() || !tiers.empty())
        throw ConfigError("command line", "--each: measures each tier by itself; leave out --out and --tier",
                          "bad_value");
      return;
    }
    if (out.empty() && !measure)
      throw ConfigError("command line", "--out: missing; the file to write, or --measure or --each",
                        "syntax");
    if (bits.size() > 1 || groups.size() > 1 || methods.size() > 1)
      throw ConfigError("command line",
                        "--bits, --group, --method: take one value each, several only with --each",
                        "bad_value");
  }
};

std::optional<int64_t> group_of(const std::string& word) {
  if (word == "original") return {};
  return packed_group(word, "command line");
}

// `mlp=4`
void change_tier(QuantisationPlan& plan, const std::string& word) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const auto tier = tier_named(name);
  if (!tier)
    throw ConfigError("command line", "--tier = " + word + ": unknown tier" + suggestion(name, tier_names()),
                      "unknown_option");
  const auto bits = equals == std::string::npos ? std::nullopt : parse_integer(word.substr(equals + 1));
  if (bits == kLeftAlone)
    plan.bits.erase(*tier);
  else if (bits == 8 || bits == 4 || bits == 3 || bits == 2)
    plan.bits[*tier] = static_cast<int>(*bits);
  else
    throw ConfigError("command line", "--tier = " + word + ": must be NAME=BITS, BITS 16, 8, 4, 3 or 2",
                      "bad_value");
}

QuantisationPlan plan_of(const QuantizeWords& words) {
  QuantisationPlan plan =
      words.bits.empty() ? QuantisationPlan::original() : QuantisationPlan::uniform(words.bits.front());
  plan.group = group_of(words.groups.front());
  plan.symmetric = !words.zeros;
  for (const std::string& word : words.tiers) change_tier(plan, word);
  return plan;
}

class Variants {
 public:
  Variants(const Packing& packing, const QuantizeWords& words, bool quiet)
      : packing_(packing), words_(words), quiet_(quiet) {
    add({.what = "nothing", .bits = "32", .group = "", .method = ""}, {});
  }

  void add(PackedVariant variant, const PackedMatrices& matrices) {
    if (!quiet_)
      std::cerr << fmt::format("quantize: {} {} {} {}\n", variant.what, variant.bits, variant.group,
                               variant.method);
    PackedForms forms;
    for (const auto& [name, matrix] : matrices) forms[name] = matrix.form;
    variant.bytes = net_size(packing_.net(), forms, Accounting::honest).bytes;
    variant.measured = packing_.compare(matrices);
    variant.bpb = packing_.bits_per_byte(variant.measured.loss);
    all_.push_back(std::move(variant));
  }
  void add(const std::string& what, const std::string& bits, QuantisationPlan plan) {
    for (const std::string& group : words_.groups) {
      plan.group = group_of(group);
      plan.symmetric = !words_.zeros;
      if (planned_forms(packing_.net(), plan).empty()) return;  // a tier that the net does not have
      for (const std::string& method : words_.methods)
        add({.what = what, .bits = bits, .group = group, .method = method},
            packing_.pack(plan, method == "gptq"));
    }
  }
  // Every tier by itself, all of them, and WaveletLM's own bits.
  void add_each() {
    for (const std::string& name : tier_names()) {
      for (const int bits : words_.all_bits()) {
        QuantisationPlan plan;
        plan.bits[*tier_named(name)] = bits;
        add(name, std::to_string(bits), plan);
      }
    }
    for (const int bits : words_.all_bits())
      add("all", std::to_string(bits), QuantisationPlan::uniform(bits));
    add("original tiers", "mixed", QuantisationPlan::original());
  }
  const std::vector<PackedVariant>& all() const { return all_; }

 private:
  const Packing& packing_;
  const QuantizeWords& words_;
  bool quiet_;
  std::vector<PackedVariant> all_;
};

void print_sizes(const NetSize& size, uintmax_t file_bytes) {
  std::cout << size_text(size);
  if (file_bytes > 0)
    std::cout << fmt::format("the file has {} bytes, fp32 weights {:.2f} times as many\n",
                             grouped(static_cast<int64_t>(file_bytes)),
                             size.dense_bytes / static_cast<double>(file_bytes));
}

// What took another way than the one that was asked for.
void note_rounded(const std::vector<std::string>& names, nlohmann::ordered_json& json,
                  const CommonOptions& options) {
  json["rounded"] = names;
  if (!names.empty() && !options.quiet)
    std::cerr << "rounded without error feedback: " << shown_message(join(names, ", ")) << "\n";
}

int quantize(const QuantizeWords& words, const CommonOptions& options) {
  words.expect_one();
  const QuantisationPlan plan = plan_of(words);
  Registry registry;
  register_parts(registry);
  Packing packing(registry, read_checkpoint(named_checkpoint(options.store, words.checkpoint)), options.store / "cache");
  if (words.each || words.measure) packing.open_text(words.comparison);
  if (words.feeds_back()) packing.calibrate(words.calibration);
  nlohmann::ordered_json json = {{"checkpoint", words.checkpoint}};
  std::optional<Variants> variants;
  if (words.each || words.measure) variants.emplace(packing, words, options.quiet || options.json);
  if (words.each) {
    variants->add_each();
  } else {
    const std::string& method = words.methods.front();
    const PackedMatrices matrices = packing.pack(plan, method == "gptq");
    PackedForms forms;
    for (const auto& [name, matrix] : matrices) forms[name] = matrix.form;
    if (method == "gptq") note_rounded(packing.without_feedback(plan), json, options);
    if (forms.empty())
      throw ConfigError("command line", "--tier: this net has nothing that these tiers pack", "bad_value");
    if (!words.out.empty()) write_checkpoint(words.out, packing.checkpoint_with(matrices, method));
    const uintmax_t bytes = words.out.empty() ? 0 : fs::file_size(words.out);
    const NetSize size = net_size(packing.net(), forms,
                                  words.accounting == "original" ? Accounting::original : Accounting::honest);
    json["out"] = words.out.string(), json["file_bytes"] = bytes, json["size"] = size_json(size);
    if (!options.json) print_sizes(size, bytes);
    if (variants)
      variants->add({.what = "this",
                     .bits = words.bits.empty() ? "mixed" : std::to_string(words.bits.front()),
                     .group = words.groups.front(),
                     .method = method},
                    matrices);
  }
  if (variants) json["variants"] = variants_json(variants->all());
  if (options.json)
    std::cout << json_document(json, 2) << "\n";
  else if (variants)
    std::cout << (words.each ? "" : "\n") << variants_text(variants->all());
  return 0;
}

}  // namespace

int command_quantize(Arguments arguments) {
  CommandLine line("quantize", "A checkpoint as one file of few bits a weight; what few bits cost.",
                   "subband quantize logs/2026-01-01_wavelet_1a2b3c4d-s1337 --out small.safetensors --bits 4 "
                   "--group 128 --method gptq\n"
                   "  subband quantize 1a2b3c4d --each --bits 4,3 --method nearest,gptq");
  QuantizeWords words;
  words.add_to(line.app());
  return line.run(arguments, [&] { return quantize(words, line.options()); });
}

namespace commands {

void add_quantize(CommandTable& table) {
  table.push_back({"quantize", "a checkpoint as one file of few bits a weight", {}, command_quantize});
}

}  // namespace commands

}  // namespace subband
