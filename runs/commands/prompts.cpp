#include "runs/commands/prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace subband {

const std::vector<std::string>& prompt_encodings() {
  static const std::vector<std::string> kEncodings = {"utf-8", "latin-1", "bytes"};
  return kEncodings;
}

static std::string utf8_of_latin1(std::string_view bytes) {
  std::string text;
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte < 0x80) {
      text += each;
    } else {
      text += static_cast<char>(0xC0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return text;
}

std::string decoded_prompt(std::string_view bytes, const std::string& encoding, const std::string& place) {
  const auto refuse = [&](const std::string& rule) { throw ConfigError(place, "prompt: " + rule, "bad_value"); };
  const std::vector<std::string>& known = prompt_encodings();
  if (std::ranges::find(known, encoding) == known.end())
    throw ConfigError("command line", "--encoding = " + encoding + ": unknown encoding" + suggestion(encoding, known),
                      "unknown_option");
  if (bytes.empty()) refuse("is empty");
  if (bytes.size() > kLongestPrompt)
    refuse(fmt::format("has more than {}; give its end", bytes_text(static_cast<double>(kLongestPrompt))));
  if (encoding == "latin-1") return utf8_of_latin1(bytes);
  if (encoding == "utf-8" && !is_utf8(bytes))
    refuse("is no UTF-8; --encoding latin-1 reads it as that, --encoding bytes as it is");
  return std::string(bytes);
}

static std::string read_some(std::istream& stream) {
  std::string text(kLongestPrompt + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

std::string read_prompt_file(const std::string& file) {
  if (file == "-") return read_some(std::cin);
  std::error_code none;
  if (std::filesystem::is_regular_file(file, none) && std::filesystem::file_size(file, none) <= kLongestPrompt)
    return read_file(file);
  std::ifstream stream(file, std::ios::binary);
  if (!stream || std::filesystem::is_directory(file, none)) return read_file(file);  // says why not
  return read_some(stream);
}

}  // namespace subband
