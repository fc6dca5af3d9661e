#include "experiments/training/part_code.h"

#include "models/own_parts.h"

namespace subband {

PartCode part_code(const std::map<std::string, int>& parts) {
  static const PartCode kBuilt = built_part_code();
  PartCode code;
  for (const auto& [part, version] : parts)
    if (const auto found = kBuilt.find(part); found != kBuilt.end()) code.insert(*found);
  for (const OwnPart& own : own_parts())
    if (parts.contains(own.part)) code[own.part] = own.code;
  return code;
}

}  // namespace subband
