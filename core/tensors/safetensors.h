// The safetensors format: eight bytes of header length, a JSON header, raw little-endian tensors.
#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace subband {

using Tensors = std::map<std::string, at::Tensor>;

struct Safetensors {
  Tensors tensors;                              ///< CPU; views of one mapping of the file
  std::map<std::string, std::string> metadata;  ///< the header's `__metadata__`
};

/// Reads a file after checking header length, JSON, dtypes, shapes, offsets, gaps and overlaps.
/// Error `FILE: <what> = <value>: <rule>` for anything damaged; nothing is read past the file.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes all or nothing (temporary name, fsync, rename), keys in byte order; contiguous copies are made one
/// tensor at a time.
void write_safetensors(const std::filesystem::path& path, const Tensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace subband
