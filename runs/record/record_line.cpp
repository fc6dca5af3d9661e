#include "runs/record/record_line.h"

#include <cmath>
#include <limits>

#include "core/hash.h"
#include "core/json.h"
#include "core/text.h"

namespace subband {

namespace {
constexpr std::string_view kSeal = ",\"sum\":\"";
constexpr size_t kDigits = 16;
constexpr size_t kSealLength = kSeal.size() + kDigits + 2;  // and `"}`

std::string seal_of(std::string_view body) { return sha256_hex(body).substr(0, kDigits); }
}  // namespace

std::string json_text(const RecordJson& value) {
  return value.dump(-1, ' ', false, RecordJson::error_handler_t::replace);
}

std::string sealed_line(const RecordJson& object) {
  std::string text = json_text(object);
  text.pop_back();  // the closing brace
  const std::string seal = seal_of(text);
  return text.append(kSeal).append(seal).append("\"}\n");
}

OpenedLine open_line(std::string_view line) {
  if (line.size() <= kSealLength || !line.ends_with("\"}") ||
      line.substr(line.size() - kSealLength, kSeal.size()) != kSeal)
    return {{}, "no checksum at its end"};
  const std::string_view body = line.substr(0, line.size() - kSealLength);
  const std::string_view written = line.substr(line.size() - kDigits - 2, kDigits);
  const std::string expected = seal_of(body);
  if (written != expected) return {{}, "checksum = " + std::string(written) + ": expected " + expected};
  RecordJson object = read_json_or_null(std::string(body) + "}");
  if (!object.is_object()) return {{}, "no JSON object"};
  return {std::move(object), ""};
}

RecordJson number_json(double value) {
  return std::isfinite(value) ? RecordJson(value) : RecordJson(number_text(value));
}

double number_of(const RecordJson& value) {
  if (value.is_number()) return value.get<double>();
  if (value == ".inf") return std::numeric_limits<double>::infinity();
  if (value == "-.inf") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

RecordJson metrics_json(const Metrics& metrics) {
  RecordJson object = RecordJson::object();
  for (const auto& [name, value] : metrics) object[name] = number_json(value);
  return object;
}

Metrics metrics_of(const RecordJson& object) {
  Metrics metrics;
  if (object.is_object())
    for (const auto& [name, value] : object.items()) metrics[name] = number_of(value);
  return metrics;
}

const RecordJson& member_of(const RecordJson& object, const char* key, const RecordJson& otherwise) {
  const auto found = object.find(key);
  return found == object.end() ? otherwise : *found;
}

std::string text_in(const RecordJson& object, const char* key, const std::string& otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

int64_t integer_in(const RecordJson& object, const char* key, int64_t otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

double number_in(const RecordJson& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? 0 : number_of(*found);
}

}  // namespace subband
