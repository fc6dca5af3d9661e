#include "sweeps/planning/match_row.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/size_match.h"
#include "core/text.h"

namespace subband {

static double size_of(const SweepMatch& match, const PreparedRow& row) {
  return match.metric == "model.flops" ? row.flops : static_cast<double>(row.parameters);
}

std::string matching_override(
    const SweepMatch& match, const PreparedRow* base,
    const std::function<PreparedRow(const std::vector<std::string>& more)>& prepare) {
  const auto refuse = [&](const std::string& rule) -> void {
    throw ConfigError(match.place.text(), "match: " + rule, "bad_value");
  };
  if (!match.target && base == nullptr) refuse("the base cannot be bound, so that it has no size to match");
  const double target = match.target ? *match.target : size_of(match, *base);
  const PreparedRow unmatched = prepare({});
  const config::Node* start = unmatched.resolved.at(match.by);
  if (start == nullptr || !start->is(config::Node::Kind::integer) || start->integer() < 1)
    refuse("by = " + match.by + ": must be a whole number of the row's config, from 1");
  const auto found =
      match_size(start->integer(), target, match.within, [&](int64_t value) -> std::optional<double> {
        try {
          return size_of(match, prepare({match.by + "=" + std::to_string(value)}));
        } catch (const Error&) {  // a number that the net does not take
          return std::nullopt;
        }
      });
  if (!found) refuse("by = " + match.by + ": no number is allowed");
  if (std::abs(found->size - target) > match.within * target)
    refuse(fmt::format("no {} gives {} within {:g} % of {}; the nearest, {}={}, gives {}", match.by,
                       match.metric, 100 * match.within, grouped(static_cast<int64_t>(target)), match.by,
                       found->value, grouped(static_cast<int64_t>(found->size))));
  return match.by + "=" + std::to_string(found->value);
}

}  // namespace subband
