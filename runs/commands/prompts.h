// Texts to go on from: words of a command line, files, standard input.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

/// A longer prompt is refused: a net reads all of it before the first token.
inline constexpr size_t kLongestPrompt = size_t{8} << 20;

/// The encodings of prompts.
const std::vector<std::string>& prompt_encodings();

/// The bytes of a prompt as UTF-8, `bytes` as they are. `place` names it in complaints. ConfigError for an unknown encoding,
/// for an empty or too long prompt, and for bytes that the encoding does not have.
std::string decoded_prompt(std::string_view bytes, const std::string& encoding, const std::string& place);

/// What `-` or a file holds, not more than a prompt may have and one byte.
std::string read_prompt_file(const std::string& file);

}  // namespace subband
