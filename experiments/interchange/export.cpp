// subband export: a checkpoint for another program.
#include "core/program/command_table.h"
#include "experiments/commands/commands.h"
#include "experiments/interchange/exchange.h"

namespace subband {

int command_export(Arguments arguments) {
  static constexpr Exchange kFormats[] = {
      {"waveletlm", "a state dictionary of WaveletLM, under its names", export_waveletlm},
      {"hf", "a folder that transformers loads as GPT-2, Llama or Qwen2", export_hf},
      {"safetensors", "the weights of any net, under our names", export_safetensors}};
  return run_exchange("export", kFormats, arguments);
}

namespace commands {

void add_export(CommandTable& table) {
  table.push_back({"export",
                   "a checkpoint for another program: waveletlm, hf, safetensors",
                   {"waveletlm|hf|safetensors"},
                   command_export});
}

}  // namespace commands

}  // namespace subband
