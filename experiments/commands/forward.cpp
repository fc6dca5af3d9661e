// subband forward: the parity probe. Tensors in, tensors out, gradients where asked for; all safetensors.
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/tensors/digest.h"
#include "core/tensors/random.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/lone_part.h"
#include "experiments/commands/operator_input.h"
#include "experiments/commands/probe.h"
#include "experiments/interchange/huggingface/weights.h"
#include "experiments/parts.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/named_checkpoint.h"
#include "models/wavelet/waveletlm_names.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

struct ForwardWords {
  std::string checkpoint;
  LonePartWords part;
  fs::path input, weights, out, gradients;
  int64_t seed = 1337;
  std::string precision = "fp32";
  std::optional<std::string> names;
  bool hidden = false, goes_on = false;
  std::optional<int64_t> length;

  void add_to(CLI::App& app) {
    app.add_option("CHECKPOINT", checkpoint, "a checkpoint file, a folder of them, or a run; or --part");
    part.add_to(app);
    app.add_option("--tokens,--input", input,
                   "checkpoint: `ids` int64 [B,L], or `ids.0`, `ids.1`, … fed in order, perhaps `targets` "
                   "(-100: not scored) and `keep` (false at padding); "
                   "part: `x` [B,L,D], perhaps `keep` bool [B,L] or `memory` [B,M,D], and `c` for gradients; "
                   "a lifting may take `z` "
                   "[S,B,L,D], a bypass `z` and `previous`, a scale mixer's `x` is [S,B,L,D]; `q`, `k`, `v` "
                   "[B,H,L,K] in place of "
                   "x reach a mixer's core behind its maps")
        ->required();
    app.add_option("--out", out, "gets `logits` and `loss`, or `y`, and fresh weights `w/…`")->required();
    app.add_option("--gradients", gradients,
                   "gets the gradients of the first loss, or of sum(y c), there `gx` too");
    app.add_option("--weights", weights,
                   "of the part, with or without `w/`; without it: drawn from the seed");
    app.add_option("--seed", seed, "of a part's fresh weights")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--precision", precision, "fp32 or fp64")
        ->check(CLI::IsMember({"fp32", "fp64"}))
        ->capture_default_str();
    app.add_option("--length", length, "longest window that a part is made for; without it: the input's")
        ->check(above_zero());
    app.add_flag(
        "--continue", goes_on,
        "`ids.1` goes on where `ids.0` ended, and so on, any lengths; likewise `x.0`, `x.1`, … of a part; "
        "without it they are separate windows");
    app.add_flag("--hidden", hidden,
                 "also the embeddings and every block's output, `hidden_0`, `hidden_1`, …");
    app.add_option("--names", names,
                   "of the gradients: ours; hf, those of the Hugging Face folder; waveletlm, the original's; "
                   "without it: the original's of a net of WaveletLM, else ours")
        ->check(CLI::IsMember({"ours", "hf", "waveletlm"}));
  }
  at::ScalarType type() const { return precision == "fp64" ? at::kDouble : at::kFloat; }
};

Tensors renamed_for_waveletlm(const Tensors& ours) {
  Tensors theirs;
  for (const auto& [name, tensor] : ours) theirs[name_in_waveletlm(name)] = tensor;
  return theirs;
}

Tensors probe_checkpoint(const ForwardWords& words, Tensors* gradients, SequenceState* state) {
  Registry registry;
  register_parts(registry);
  const Checkpoint checkpoint = read_checkpoint(words.checkpoint);
  Recipe recipe = bind_recipe(registry, checkpoint.recipe, checkpoint.config);
  recipe.vocabulary = checkpoint.vocabulary;
  if (gradients != nullptr) refuse_packed(checkpoint, words.checkpoint);
  const auto net = make_net(recipe);
  load_weights(*net, checkpoint);
  net->to(words.type());
  net->eval();
  const Tensors out =
      probe_net(*net, {.vocabulary = recipe.vocabulary, .hidden = words.hidden, .state = state},
                {words.input.string(), read_safetensors(words.input).tensors}, gradients);
  if (gradients == nullptr) return out;
  const bool is_waveletlm = recipe.net.type() == "wavelet_lm" || recipe.net.type() == "multinodal";
  const std::string names = words.names.value_or(is_waveletlm ? "waveletlm" : "ours");
  if (names == "waveletlm" && !is_waveletlm)
    throw ConfigError(
        "command line",
        "--names waveletlm: needs a checkpoint of wavelet_lm or multinodal, not of " + recipe.net.type(),
        "bad_value");
  if (names == "hf")
    *gradients = huggingface::weights_for(huggingface::decoder_of_checkpoint(checkpoint), *gradients);
  if (names == "waveletlm") *gradients = renamed_for_waveletlm(*gradients);
  return out;
}

// Weights of the file under the part's own names; a leading `w/` is what this command itself writes. Counters of
// training calls, buffers of one value, may be missing; an operator's maps are its own.
void load_part(torch::nn::Module& module, const fs::path& file, bool is_operator, int64_t length) {
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
  for (const auto& [name, tensor] : model_tensors(module)) {
    const std::string map = name.substr(0, name.find('.'));
    if (is_operator && (map == "q" || map == "k" || map == "v" || map == "out"))
      tensors["model/" + name] = tensor;
  }
  load_model(module, tensors, {.place = file.string(), .prefix = "", .owner = "part", .length = length});
}

int64_t longest_piece(const Tensors& tensors) {
  int64_t length = 1;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with("x.") && tensor.dim() == 3) length = std::max(length, tensor.size(1));
  return length;
}

Tensors probe_lone_part(ForwardWords words, Tensors* gradients, SequenceState* state) {
  Registry registry;
  register_parts(registry);
  const ProbeInput input{words.input.string(), read_safetensors(words.input).tensors};
  if (words.length)
    words.part.length = *words.length;
  else if (input.has("memory") && input.get("memory").dim() == 3)
    words.part.length = input.get("memory").size(1);  // as long as the part is to remember
  else if (input.has("x") && input.get("x").dim() == 3)
    words.part.length = input.get("x").size(1);
  else if (state)
    words.part.length = longest_piece(input.tensors);
  Initializer initializer(plain_generator(static_cast<uint64_t>(words.seed)));
  const bool is_operator = has_operator_input(input.tensors);
  if (is_operator && !words.length)
    words.part.length = input.get("q").dim() == 4 ? input.get("q").size(2) : 1;
  const LonePart part = is_operator ? make_lone_operator(registry, words.part, input.tensors, initializer)
                                    : make_lone_part(registry, words.part, initializer);
  part.module->to(words.type());  // first, so that wide weights are not rounded on their way in
  if (!words.weights.empty()) load_part(*part.module, words.weights, is_operator, words.part.length);
  part.module->eval();
  Tensors out = state ? probe_pieces(part, words.type(), input, *state)
                      : probe_part(part, words.type(), input, gradients);
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
    if (!words.checkpoint.empty())
      words.checkpoint = named_checkpoint(line.options().store, words.checkpoint).string();
    Tensors gradients;
    Tensors* wanted = words.gradients.empty() ? nullptr : &gradients;
    if (wanted && words.goes_on && !words.part.part.empty())
      throw ConfigError("command line", "--gradients: cannot stand beside --continue of a part", "bad_value");
    SequenceState state;
    SequenceState* const goes_on = words.goes_on ? &state : nullptr;
    const Tensors out = words.part.part.empty() ? probe_checkpoint(words, wanted, goes_on)
                                                : probe_lone_part(words, wanted, goes_on);
    write_safetensors(words.out, out);
    if (wanted) write_safetensors(words.gradients, gradients);
    if (line.options().json) {
      nlohmann::ordered_json json = {{"out", words.out.string()}, {"digest", digest(out)}};
      if (out.contains("loss")) json["loss"] = json_number(out.at("loss").item<double>());
      if (goes_on) {
        json["state_position"] = state.position();
        json["state_bytes"] = state.bytes();
        json["state_held_bytes"] = state.held_bytes();
      }
      std::cout << json_document(json, 2) << "\n";
    } else if (!line.options().quiet) {
      std::cout << shown(words.out.string()) << "  digest " << digest(out) << "\n";
    }
    return 0;
  });
}

namespace commands {

void add_forward(CommandTable& table) {
  table.push_back(
      {"forward", "logits, losses and gradients of a checkpoint, or of one part", {}, command_forward});
}

}  // namespace commands

}  // namespace subband
