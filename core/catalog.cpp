#include "core/catalog.h"

#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/config/node.h"
#include "core/error.h"
#include "core/text.h"

namespace subband {

using Json = nlohmann::ordered_json;

namespace {

const Kind& known_kind(const Registry& registry, const std::string& name) {
  if (const Kind* kind = registry.find(name)) return *kind;
  throw ConfigError("command line", name + ": unknown kind" + suggestion(name, registry.kinds()),
                    "unknown_option");
}

const PartInfo& known_part(const Kind& kind, const std::string& name) {
  if (const PartInfo* info = kind.info(name)) return *info;
  throw ConfigError("command line", name + ": unknown " + kind.name() + suggestion(name, kind.names()),
                    "unknown_option");
}

// Whole numbers without a point, as people write ranges.
std::string limit_text(double value) {
  if (std::isfinite(value) && value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  return number_text(value);
}

std::string range_text(const FieldInfo& field) {
  const bool low = std::isfinite(field.range.low), high = std::isfinite(field.range.high);
  const std::string floor = (field.range.above ? "above " : "at least ") + limit_text(field.range.low);
  if (low && high && !field.range.above)
    return limit_text(field.range.low) + " to " + limit_text(field.range.high);
  if (low && high) return floor + ", at most " + limit_text(field.range.high);
  if (low) return floor;
  return high ? "at most " + limit_text(field.range.high) : "";
}

std::string remark(const FieldInfo& field) {
  std::string text = field.choices.empty() ? field.type : join(field.choices, " | ");
  if (field.optional) text += " or null";
  if (const std::string range = range_text(field); !range.empty()) text += ", " + range;
  return text + ": " + field.help;
}

std::vector<FieldInfo> fields_of(const Registry& registry, const Kind& kind, const std::string& part) {
  BindSession session{.registry = &registry};
  config::Node nothing = config::Node::map(), resolved;
  Binder binder(session, nothing, resolved);
  kind.describe(part, binder);
  return session.fields;
}

Json field_json(const FieldInfo& field) {
  Json json = {{"path", field.path},
               {"type", field.type},
               {"default", Json::parse(config::to_json(field.standard))},
               {"help", field.help}};
  if (field.optional) json["nullable"] = true;
  if (!field.choices.empty()) json["choices"] = field.choices;
  if (!field.part_kind.empty()) json["kind"] = field.part_kind;
  if (std::isfinite(field.range.low)) json[field.range.above ? "above" : "minimum"] = field.range.low;
  if (std::isfinite(field.range.high)) json["maximum"] = field.range.high;
  return json;
}

Json part_json(const Registry& registry, const Kind& kind, const PartInfo& info) {
  Json json = {{"kind", kind.name()},    {"name", info.name}, {"summary", info.summary},
               {"source", info.source},  {"cost", info.cost}, {"version", info.version},
               {"fields", Json::array()}};
  for (const FieldInfo& field : fields_of(registry, kind, info.name))
    json["fields"].push_back(field_json(field));
  return json;
}

Json summary_json(const Kind& kind) {
  Json parts = Json::array();
  for (const std::string& name : kind.names())
    parts.push_back(
        {{"name", name}, {"summary", kind.info(name)->summary}, {"source", kind.info(name)->source}});
  return {{"kind", kind.name()}, {"parts", parts}};
}

void print_kind(const Kind& kind) {
  std::cout << kind.name() << "\n";
  for (const std::string& name : kind.names()) {
    std::string line = fmt::format("  {:<20} {}", name, kind.info(name)->summary);
    if (line.size() > 100) line = line.substr(0, 97) + "...";
    std::cout << line << "\n";
  }
}

}  // namespace

std::string reference_page(const Registry& registry, const Kind& kind, const std::string& part) {
  const PartInfo& info = known_part(kind, part);
  std::string page = "# " + kind.name() + " " + info.name + ": " + info.summary + "\n";
  if (!info.cost.empty()) page += "# cost: " + info.cost + "\n";
  if (!info.source.empty()) page += "# source: " + info.source + "\n";
  page += "type: " + info.name + "\n";
  for (const FieldInfo& field : fields_of(registry, kind, part)) {
    const auto depth = static_cast<size_t>(std::ranges::count(field.path, '.'));
    const std::string key = field.path.substr(field.path.rfind('.') + 1);
    const bool opens = field.type == "map";
    std::string line = std::string(2 * depth, ' ') + key + ":";
    if (!opens) line += " " + config::to_json(field.standard);
    page += fmt::format("{:<32} # {}\n", line, remark(field));
  }
  return page;
}

int command_list(Arguments arguments, const Registry& registry) {
  CommandLine line("list", "kinds and parts", "subband list mixer");
  std::string kind;
  line.app().add_option("kind", kind, "one kind; all without it");
  return line.run(arguments, [&] {
    std::vector<const Kind*> kinds;
    if (!kind.empty())
      kinds.push_back(&known_kind(registry, kind));
    else
      for (const std::string& name : registry.kinds()) kinds.push_back(registry.find(name));
    Json all = Json::array();
    for (const Kind* each : kinds) {
      if (line.options().json)
        all.push_back(summary_json(*each));
      else
        print_kind(*each);
    }
    if (line.options().json) std::cout << all.dump(1) << "\n";
    return 0;
  });
}

int command_describe(Arguments arguments, const Registry& registry) {
  CommandLine line("describe", "a part's reference page, as commented YAML",
                   "subband describe mixer softmax_attention");
  std::string kind, part;
  line.app().add_option("kind", kind, "its kind, as `subband list` shows them")->required();
  line.app().add_option("name", part, "the part")->required();
  return line.run(arguments, [&] {
    const Kind& known = known_kind(registry, kind);
    const PartInfo& info = known_part(known, part);
    if (line.options().json)
      std::cout << part_json(registry, known, info).dump(1) << "\n";
    else
      std::cout << reference_page(registry, known, part);
    return 0;
  });
}

}  // namespace subband
