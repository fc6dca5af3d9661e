// subband forward: the parity probe. Tensors in, tensors out, gradients where asked for; all safetensors.
#include <ATen/TensorOperators.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/tensors/digest.h"
#include "core/tensors/random.h"
#include "experiments/checkpoint.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/lone_part.h"
#include "experiments/commands/probe.h"
#include "experiments/parts.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

struct ForwardWords {
  std::string checkpoint;
  LonePartWords part;
  fs::path input, weights, out, gradients;
  int64_t seed = 1337;
  std::string precision = "fp32";

  void add_to(CLI::App& app) {
    app.add_option("CHECKPOINT", checkpoint, "a checkpoint file or folder; or --part");
    part.add_to(app);
    app.add_option("--tokens,--input", input,
                   "checkpoint: `ids` int64 [B,L], or `ids.0`, `ids.1`, … fed in order, perhaps `targets`; "
                   "part: `x` [B,L,D], perhaps `keep` bool [B,L], `memory` [B,M,D], and `c` for gradients")
        ->required();
    app.add_option("--out", out, "gets `logits` and `loss`, or `y` and fresh weights `w/…`")->required();
    app.add_option("--gradients", gradients, "gets the gradients of the first loss, or of sum(y c)");
    app.add_option("--weights", weights,
                   "of the part, with or without `w/`; without it: drawn from the seed");
    app.add_option("--seed", seed, "of a part's fresh weights")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--precision", precision, "fp32 or fp64")
        ->check(CLI::IsMember({"fp32", "fp64"}))
        ->capture_default_str();
  }
  at::ScalarType type() const { return precision == "fp64" ? at::kDouble : at::kFloat; }
};

Tensors probe_checkpoint(const ForwardWords& words, Tensors* gradients) {
  Registry registry;
  register_parts(registry);
  const Checkpoint checkpoint = read_checkpoint(words.checkpoint);
  Recipe recipe = bind_recipe(registry, checkpoint.recipe, checkpoint.config);
  recipe.vocabulary = checkpoint.vocabulary;
  const auto net = make_net(recipe);
  load_model(*net, checkpoint.tensors);
  net->to(words.type());
  net->eval();
  return probe_net(*net, recipe.vocabulary, {words.input.string(), read_safetensors(words.input).tensors},
                   gradients);
}

// Weights of the file under the part's own names; a leading `w/` is what this command itself writes. Counters of
// training calls, buffers of one value, may be missing.
void load_part(torch::nn::Module& module, const fs::path& file) {
  Tensors tensors;
  for (const auto& [name, tensor] : read_safetensors(file).tensors) {
    if (name.starts_with("w/")) tensors["model/" + name.substr(2)] = tensor;
  }
  if (tensors.empty()) {
    for (const auto& [name, tensor] : read_safetensors(file).tensors) tensors["model/" + name] = tensor;
  }
  for (const auto& buffer : module.named_buffers()) {
    if (buffer.value().dim() == 0) tensors.try_emplace("model/" + buffer.key(), buffer.value());
  }
  load_model(module, tensors);
}

Tensors probe_part(ForwardWords words, Tensors* gradients) {
  Registry registry;
  register_parts(registry);
  const ProbeInput input{words.input.string(), read_safetensors(words.input).tensors};
  const at::Tensor x = input.get("x");
  if (x.dim() == 3) words.part.length = x.size(1);
  // A memory that is fed is as long as the part is to remember.
  if (input.has("memory") && input.get("memory").dim() == 3) words.part.length = input.get("memory").size(1);
  Initializer initializer(plain_generator(static_cast<uint64_t>(words.seed)));
  const LonePart part = make_lone_part(registry, words.part, initializer);
  if (!words.weights.empty()) load_part(*part.module, words.weights);
  part.module->to(words.type());
  part.module->eval();
  Tensors out = probe_module(*part.module, part.forward, words.type(), input, gradients);
  if (words.weights.empty()) {
    for (const auto& [name, tensor] : model_tensors(*part.module)) out["w/" + name] = tensor;
  }
  return out;
}

}  // namespace

int command_forward(Arguments arguments) {
  CommandLine line(
      "forward", "Logits, losses and gradients of a checkpoint, or the answer of one part alone.",
      "subband forward fresh --tokens tokens.safetensors --out logits.safetensors\n"
      "  subband forward --part mixer:softmax_attention --set heads=2 --width 32 --input x.safetensors "
      "--out y.safetensors");
  ForwardWords words;
  words.add_to(line.app());
  return line.run(arguments, [&] {
    if (words.checkpoint.empty() == words.part.part.empty()) {
      throw ConfigError("command line", "expected either CHECKPOINT or --part KIND:NAME", "syntax");
    }
    Tensors gradients;
    Tensors* wanted = words.gradients.empty() ? nullptr : &gradients;
    const Tensors out = words.part.part.empty() ? probe_checkpoint(words, wanted) : probe_part(words, wanted);
    write_safetensors(words.out, out);
    if (wanted) write_safetensors(words.gradients, gradients);
    if (line.options().json) {
      nlohmann::ordered_json json = {{"out", words.out.string()}, {"digest", digest(out)}};
      if (out.contains("loss")) json["loss"] = out.at("loss").item<double>();
      std::cout << json.dump(2) << "\n";
    } else if (!line.options().quiet) {
      std::cout << words.out.string() << "  digest " << digest(out) << "\n";
    }
    return 0;
  });
}

}  // namespace subband
