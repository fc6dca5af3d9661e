// subband export hf: a decoder as a folder that `transformers` loads.
#include <ATen/core/Tensor.h>

#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/exported.h"
#include "experiments/interchange/huggingface/weights.h"
#include "experiments/training/checkpoints/named_checkpoint.h"

namespace subband {

namespace {

struct NamedPrecision {
  const char* option;
  const char* torch;
  at::ScalarType type;
};
constexpr std::array<NamedPrecision, 3> kPrecisions = {
    {{"fp32", "float32", at::kFloat}, {"fp16", "float16", at::kHalf}, {"bf16", "bfloat16", at::kBFloat16}}};

}  // namespace

int export_hf(Arguments arguments) {
  CommandLine line("export hf", "A decoder as a Hugging Face folder: config.json and model.safetensors.",
                   "subband export hf logs/2026-01-01_gpt2_1a2b3c4d-s1337 --out folder");
  ExportWords words;
  std::string precision = "fp32";
  words.add_to(line.app(), "the folder to write");
  line.app()
      .add_option("--precision", precision, "of the weights: fp32, fp16 or bf16")
      ->check(CLI::IsMember({"fp32", "fp16", "bf16"}))
      ->capture_default_str();
  return line.run(arguments, [&] {
    const auto named = std::ranges::find(kPrecisions, precision,
                                         [](const NamedPrecision& each) { return std::string(each.option); });
    const Checkpoint checkpoint = read_named_checkpoint(line.options().store, words.checkpoint);
    const huggingface::Decoder decoder = huggingface::decoder_of_checkpoint(checkpoint);
    Tensors theirs = huggingface::weights_for(decoder, weights_of(checkpoint));
    for (auto& [name, tensor] : theirs) tensor = tensor.to(named->type);
    write_file(words.out / "config.json", huggingface::json_of_decoder(decoder, named->torch).dump(2) + "\n");
    write_safetensors(words.out / "model.safetensors", theirs, {{"format", "pt"}});
    if (line.options().json) {
      const nlohmann::ordered_json json = {{"out", words.out.string()},
                                           {"model_type", huggingface::family_name(decoder.family)},
                                           {"tensors", theirs.size()}};
      std::cout << json_document(json, 2) << "\n";
    } else if (!line.options().quiet) {
      std::cout << shown(words.out.string()) << "  " << huggingface::family_name(decoder.family) << ", "
                << theirs.size() << " tensors\n";
    }
    return 0;
  });
}

}  // namespace subband
