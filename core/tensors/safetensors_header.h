// The header of a safetensors file, read and checked without LibTorch: what lies where.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

/// One tensor as the header describes it; offsets count from the first byte behind the header.
struct SafetensorsEntry {
  std::string name;
  std::string type;  ///< `F32`, one of kSafetensorsTypes
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;        ///< in the order of their bytes, which they tile
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
  uint64_t data_begin = 0;                      ///< of the file, in bytes
};

struct SafetensorsType {
  std::string_view name;
  uint64_t bytes;  ///< of one value
};
inline constexpr SafetensorsType kSafetensorsTypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2},
                                                        {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},
                                                        {"U8", 1},  {"BOOL", 1}};

/// The checked header of a file with these bytes. Error `FILE: <what> = <value>: <rule>` for wrong lengths, JSON, dtypes,
/// shapes, offsets, gaps and overlaps, every tensor that is wrong in one go.
SafetensorsHeader read_safetensors_header(std::string_view file_bytes, const std::string& file);

}  // namespace subband
