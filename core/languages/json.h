// JSON, written: one document on a line or indented, safe to show on a terminal.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace subband {

/// `indent` below 0: one line. Bytes that are no UTF-8 are replaced; letters that a terminal would obey and line ends of
/// other standards are written by their numbers (`\u009b`, `\u2028`).
std::string json_document(const nlohmann::ordered_json& value, int indent = -1);

/// A number, or the words `inf`, `-inf`, `nan` that JSON has no numbers for.
nlohmann::ordered_json json_number(double value);

}  // namespace subband
