#include "runs/other_code.h"

namespace subband {

PartCode part_code_in(const RecordJson& provenance) {
  PartCode code;
  const RecordJson none = RecordJson::object();
  const RecordJson& kept = member_of(provenance, "code", none);
  for (const auto& [part, digest] : kept.items())
    if (digest.is_string()) code.emplace(part, digest.get<std::string>());
  return code;
}

RecordJson part_code_json(const PartCode& code) {
  RecordJson json = RecordJson::object();
  for (const auto& [part, digest] : code) json[part] = digest;
  return json;
}

std::vector<std::string> other_code(const PartCode& then, const PartCode& now) {
  std::vector<std::string> parts;
  for (const auto& [part, digest] : now) {
    const auto found = then.find(part);
    if (found != then.end() && found->second != digest) parts.push_back(part.substr(part.find(':') + 1));
  }
  return parts;
}

PartCode code_of_both(PartCode earlier, const PartCode& later) {
  for (const auto& [part, digest] : later) {
    const auto [kept, is_new] = earlier.emplace(part, digest);
    if (!is_new && kept->second != digest) kept->second = "mixed";
  }
  return earlier;
}

}  // namespace subband
