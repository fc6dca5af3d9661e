// What holds of any bytes at all: they are read or refused, never the end of the program, and what was read is written
// and read again as the same. The fuzz targets look for bytes that break a law; the tests replay what they found.
#pragma once
#include <string>
#include <string_view>

namespace subband::fuzz {

/// Each returns what is broken, or nothing. Only a refusal (subband::Error) is caught.
std::string yaml_law(std::string_view text);
std::string override_law(std::string_view text);
std::string binder_law(std::string_view text);
std::string json_law(std::string_view text);         ///< also with Python's Infinity and NaN
std::string safetensors_law(std::string_view file);  ///< the header: what it accepts tiles the file
/// A name, as every writer of core/languages and of specs writes it: its reader sees it, and nothing happens.
std::string writers_law(std::string_view name);
std::string packed_law(std::string_view file);       ///< packed weights: what is accepted has the bytes that its form says

}  // namespace subband::fuzz
