// subband export safetensors: the weights of a checkpoint, and nothing else of it.
#include <iostream>

#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/exported.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/named_checkpoint.h"

namespace subband {

void ExportWords::add_to(CLI::App& app, const std::string& out_help) {
  app.add_option("CHECKPOINT", checkpoint, "a checkpoint file, a folder of them, or a run")->required();
  app.add_option("--out", out, out_help)->required();
}

Tensors weights_of(const Checkpoint& checkpoint) {
  Tensors weights;
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (name.starts_with("model/")) weights[name.substr(6)] = tensor;
  for (const auto& [name, matrix] : packed_weights(checkpoint)) weights[name] = unpacked(matrix, at::kFloat);
  return weights;
}

void write_exported(const std::filesystem::path& file, const Tensors& tensors, const CommonOptions& options) {
  write_safetensors(file, tensors, {{"format", "pt"}});  // what other readers of the format look for
  if (options.json)
    std::cout << json_document({{"out", file.string()}, {"tensors", tensors.size()}}, 2) << "\n";
  else if (!options.quiet)
    std::cout << shown(file.string()) << "  " << tensors.size() << " tensors\n";
}

int export_safetensors(Arguments arguments) {
  CommandLine line(
      "export safetensors", "The weights of a checkpoint under our names.",
      "subband export safetensors logs/2026-01-01_wavelet_1a2b3c4d-s1337 --out weights.safetensors");
  ExportWords words;
  words.add_to(line.app(), "the file to write");
  return line.run(arguments, [&] {
    write_exported(words.out, weights_of(read_named_checkpoint(line.options().store, words.checkpoint)),
                   line.options());
    return 0;
  });
}

}  // namespace subband
