#include "experiments/price.h"

#include <fmt/format.h>

#include <vector>

#include "core/text.h"

namespace subband {

using config::Node;

void Price::bind(Binder& b) {
  b.field("steps", steps, {.low = 1}, "optimiser steps of the published run");
  b.field("hours", hours, {.low = 0, .above = true}, "that it took");
  b.field("memory_gib", memory_gib, {.low = 0, .above = true}, "most memory of its device");
  b.field("device", device, "what it ran on, in words");
}

static const Node* priced(const Node& resolved, const char* path) {
  const Node* value = resolved.at(path);
  return value != nullptr && !value->is(Node::Kind::null) ? value : nullptr;
}

std::string price_text(const Node& resolved) {
  std::vector<std::string> all;
  if (const auto steps = price_steps(resolved)) all.push_back(grouped(*steps) + " steps");
  if (const Node* hours = priced(resolved, "price.hours")) all.push_back(fmt::format("{:g} h", hours->number()));
  if (const Node* memory = priced(resolved, "price.memory_gib"))
    all.push_back(fmt::format("{:g} GiB", memory->number()));
  const Node* device = priced(resolved, "price.device");
  return join(all, ", ") + (device != nullptr && !all.empty() ? " on " + device->string() : "");
}

std::optional<int64_t> price_steps(const Node& resolved) {
  const Node* steps = priced(resolved, "price.steps");
  return steps != nullptr ? std::optional(steps->integer()) : std::nullopt;
}

}  // namespace subband
