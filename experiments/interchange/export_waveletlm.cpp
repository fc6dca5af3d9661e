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
  std::filesystem::path path, out;
  line.app().add_option("CHECKPOINT", path, "a checkpoint file, a folder of them, or a run")->required();
  line.app().add_option("--out", out, "the .safetensors file to write")->required();
  return line.run(arguments, [&] {
    const Checkpoint checkpoint = read_checkpoint(named_checkpoint(line.options().store, path));
    const config::Node* type = checkpoint.config.at("net.type");
    const std::string net = type != nullptr && type->is(config::Node::Kind::string) ? type->string() : "?";
    if (net != "wavelet_lm" && net != "multinodal")
      throw ConfigError(
          path.string(),
          "net = " + net + ": must be wavelet_lm or multinodal; export safetensors writes any net",
          "bad_value");
    write_exported(out, values_for_waveletlm(weights_of(checkpoint)), line.options());
    return 0;
  });
}

}  // namespace subband
