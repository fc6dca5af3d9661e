// One line of a record: a JSON object that carries its number and ends with a checksum of itself.
//   {"seq":12,"time":1764010194.123,"event":"step", …,"sum":"0123456789abcdef"}
//   sum = first 16 hex digits of the SHA-256 of all bytes before `,"sum":`
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "experiments/observer.h"

namespace subband {

using RecordJson = nlohmann::ordered_json;  ///< keys keep the order in which they were written

/// The line for `object`, with checksum and end of line. `object` must hold at least one key and no `sum`.
std::string sealed_line(const RecordJson& object);

/// A line without its end of line: the object without its `sum`, or what is wrong (`checksum = …: expected …`).
struct OpenedLine {
  RecordJson object;
  std::string complaint;  ///< empty: the line is whole
};
OpenedLine open_line(std::string_view line);

/// JSON has no NaN and no infinities: they are written as `.nan`, `.inf`, `-.inf`.
RecordJson number_json(double value);
/// The reverse; NaN for anything that is no number.
double number_of(const RecordJson& value);
RecordJson metrics_json(const Metrics& metrics);
Metrics metrics_of(const RecordJson& object);  ///< empty when `object` is no JSON object

/// One line of compact JSON; bytes that are no UTF-8 are replaced.
std::string json_text(const RecordJson& value);
/// `object[key]` as text or number, or the given value where it is absent or of another kind.
std::string text_in(const RecordJson& object, const char* key, const std::string& otherwise = "");
int64_t integer_in(const RecordJson& object, const char* key, int64_t otherwise = 0);
double number_in(const RecordJson& object, const char* key);  ///< 0 where absent
const RecordJson& member_of(const RecordJson& object, const char* key, const RecordJson& otherwise);

}  // namespace subband
