// The door to every command that needs tensors. The program loads this library only when one is asked for, so that
// the others do not pay for LibTorch's start.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/commands.h"
#include "core/catalog.h"
#include "core/command.h"
#include "experiments/commands/commands.h"
#include "experiments/parts.h"
#include "runs/commands.h"
#include "sweeps/commands.h"
#include "sweeps/launcher.h"

namespace subband {

static int laboratory_command(std::string_view name, Arguments arguments) {
  if (name == "run") return command_run(arguments);
  if (name == "sweep") return command_sweep(arguments, report_sweep);
  if (name == "eval") return command_eval(arguments);
  if (name == "bench") return command_bench(arguments);
  if (name == "init") return command_init(arguments);
  if (name == "import") return command_import(arguments);
  if (name == "export") return command_export(arguments);
  if (name == "forward") return command_forward(arguments);
  if (name == "params") return command_params(arguments);
  if (name == "compose") return command_compose(arguments);
  if (name == "data") return command_data(arguments);
  if (name == "tokenize") return command_tokenize(arguments);
  Registry registry;
  register_parts(registry);
  register_sweeps_parts(registry);
  if (name == "list") return command_list(arguments, registry);
  return command_describe(arguments, registry);
}

}  // namespace subband

extern "C" __attribute__((visibility("default"))) int subband_laboratory(const char* name,
                                                                         const std::string* words,
                                                                         size_t count);
int subband_laboratory(const char* name, const std::string* words, size_t count) {
  return subband::laboratory_command(name, subband::Arguments(words, count));
}
