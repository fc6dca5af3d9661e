// The words that name one part alone, outside of any net, for `forward --part` and `params --part`.
#pragma once
#include <string>
#include <vector>

#include "core/program/command.h"
#include "experiments/lone_form.h"

namespace subband {

/// `--part KIND:NAME --width D [--set key=value]… [--causal|--no-causal] [--levels N] [--dilation D]`; the length is an
/// option of whoever feeds the part.
struct LonePartWords : LoneFrame {
  std::string part;
  std::vector<std::string> fields;

  void add_to(CLI::App& app);
};

/// ConfigError for a kind without a lone form, an unknown part, or its fields.
LonePart make_lone_part(const Registry& registry, const LonePartWords& words, Initializer& initializer);

}  // namespace subband
