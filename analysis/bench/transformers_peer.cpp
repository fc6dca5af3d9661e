#include "analysis/bench/transformers_peer.h"

#include <ATen/Parallel.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/tensors/safetensors.h"
#include "experiments/interchange/huggingface/decoder.h"
#include "experiments/interchange/huggingface/weights.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

// The folder that `transformers` loads, and the prompt beside it.
static void write_transformers_inputs(const Recipe& recipe, Net& net, const Json& prompt, const OwnFolder& folder) {
  const Checkpoint checkpoint = fresh_checkpoint(recipe, model_tensors(net));
  const huggingface::Decoder decoder = huggingface::decoder_of_checkpoint(checkpoint);
  Tensors ours;
  for (const auto& [name, tensor] : model_tensors(net)) ours[name] = tensor;
  write_file(folder / "config.json", huggingface::json_of_decoder(decoder, "float32").dump(2) + "\n");
  write_safetensors(folder / "model.safetensors", huggingface::weights_for(decoder, ours), {{"format", "pt"}});
  write_file(folder / "prompt.json", prompt.dump());
}

TransformersPeer start_transformers(const Recipe& recipe, Net& net, const std::vector<int32_t>& prompt, int64_t tokens) {
  TransformersPeer peer;
  const std::string python = python_with_torch(program_root(), peer.lacking);
  if (python.empty()) return peer;
  peer.folder = std::make_unique<OwnFolder>();
  Json given = Json::object();
  given["prompt"] = prompt, given["tokens"] = tokens;
  write_transformers_inputs(recipe, net, given, *peer.folder);
  const std::string script = (program_root() / "analysis/peers/generate.py").string();
  try {
    auto process = std::make_unique<PeerProcess>(
        std::vector<std::string>{python, script, peer.folder->path().string(), std::to_string(at::get_num_threads())}, true);
    const Json ready = process->heard();
    peer.first_text = ready.at("ids").get<std::vector<int32_t>>();
    peer.name = "transformers " + ready.at("transformers").get<std::string>();
    peer.process = std::move(process);
  } catch (const Error& error) {
    peer.lacking = error.what();
  }
  return peer;
}

}  // namespace subband
