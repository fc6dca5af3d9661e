// What `subband import` and `subband export` know: one function a format, each with its own command line.
#pragma once
#include <span>

#include "core/program/command.h"

namespace subband {

/// A word after `import` or `export`.
struct Exchange {
  const char* format;
  const char* summary;
  int (*run)(Arguments);
};

/// Runs the format that the first argument names; lists them for `--help`, and refuses any other word.
int run_exchange(const char* command, std::span<const Exchange> formats, Arguments arguments);

int import_waveletlm(Arguments arguments);    ///< --config C.json --weights FILE --out DIR [--vocab N]
int export_waveletlm(Arguments arguments);    ///< CHECKPOINT --out FILE, under the original's names
int import_hf(Arguments arguments);           ///< FOLDER --out DIR
int export_hf(Arguments arguments);           ///< CHECKPOINT --out FOLDER
int export_safetensors(Arguments arguments);  ///< CHECKPOINT --out FILE, under our names

}  // namespace subband
