// What the formats of `subband export` share.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/program/command.h"
#include "core/tensors/safetensors.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

/// What every format takes: a checkpoint, and where it goes.
struct ExportWords {
  std::filesystem::path checkpoint, out;

  void add_to(CLI::App& app, const std::string& out_help);
};

/// Parameters and buffers under our names, without `model/`; of packed ones what their codes stand for, in fp32.
Tensors weights_of(const Checkpoint& checkpoint);

/// Writes a safetensors file and says so.
void write_exported(const std::filesystem::path& file, const Tensors& tensors, const CommonOptions& options);

}  // namespace subband
