// subband export waveletlm: the state dictionary that the original would write of this net.
#include "core/error.h"
#include "experiments/interchange/exchange.h"
#include "experiments/interchange/exported.h"
#include "experiments/training/checkpoints/named_checkpoint.h"
#include "models/wavelet/waveletlm_weights.h"

namespace subband {

int export_waveletlm(Arguments arguments) {
  CommandLine line(
      "export waveletlm", "The weights under WaveletLM's names, those that it repeats under each of them.",
      "subband export waveletlm logs/2026-01-01_wavelet_1a2b3c4d-s1337 --out weights.safetensors");
  ExportWords words;
  words.add_to(line.app(), "the .safetensors file to write");
  return line.run(arguments, [&] {
    const Checkpoint checkpoint = read_named_checkpoint(line.options().store, words.checkpoint);
    const config::Node* type = checkpoint.config.at("net.type");
    const std::string net = type != nullptr && type->is(config::Node::Kind::string) ? type->string() : "?";
    if (net != "wavelet_lm" && net != "multinodal")
      throw ConfigError(
          words.checkpoint.string(),
          "net = " + net + ": must be wavelet_lm or multinodal; export safetensors writes any net",
          "bad_value");
    write_exported(words.out, values_for_waveletlm(weights_of(checkpoint)), line.options());
    return 0;
  });
}

}  // namespace subband
