#include "core/program/schema.h"

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json.h"
#include "core/program/command_table.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

Json reference_to(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }

// An interpolation, or a value that an override must still give.
Json open_value() { return {{"type", "string"}, {"pattern", R"(\$\{|^\?\?\?$)"}}; }

class SchemaWriter {
 public:
  explicit SchemaWriter(const Catalogue& catalogue) : catalogue_(catalogue) {}

  // The map that `fields` describe; those below a part's slot are the part's own affair.
  Json map_of(const std::vector<FieldInfo>& fields, const std::string& prefix) {
    Json properties = Json::object();
    for (const FieldInfo& field : fields) {
      if (!prefix.empty() && !field.path.starts_with(prefix + ".")) continue;
      const std::string key = prefix.empty() ? field.path : field.path.substr(prefix.size() + 1);
      if (key.find('.') != std::string::npos) continue;
      properties[key] = field.type == "map" ? map_of(fields, field.path) : value_of(field);
      properties[key]["description"] = field.help;
    }
    return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  }

  // Every part that `map_of` has met, and what they hold.
  Json definitions() {
    for (size_t i = 0; i < wanted_.size(); ++i) define(wanted_[i]);
    return definitions_;
  }

 private:
  void want(const std::string& kind) {
    for (const std::string& known : wanted_)
      if (known == kind) return;
    wanted_.push_back(kind);
  }

  void define(std::string kind) {  // by value: the list that it comes from grows meanwhile
    Json names = Json::array(), maps = Json::array();
    for (const auto& [name, part] : catalogue_.kind(kind)) {
      names.push_back(name);
      maps.push_back({{"allOf", {reference_to(kind + "." + name), {{"required", {"type"}}}}}});
      Json map = map_of(part.fields, "");
      map["properties"]["type"] = {{"const", name}};
      map["description"] = part.info.summary;
      definitions_[kind + "." + name] = map;
    }
    definitions_[kind] = {{"oneOf", Json::array({Json{{"enum", names}}})}};
    for (Json& map : maps) definitions_[kind]["oneOf"].push_back(std::move(map));
  }

  static Json without_type(const std::string& kind, const std::string& name) {
    return {{"allOf", {reference_to(kind + "." + name), {{"not", {{"required", {"type"}}}}}}}};
  }

  Json slot(const FieldInfo& field) {
    want(field.part_kind);
    Json any = Json::array({reference_to(field.part_kind), open_value()});
    if (field.standard.is(Node::Kind::string) && !field.standard.string().empty())
      any.push_back(without_type(field.part_kind, field.standard.string()));
    else  // a defaults list says which part it is; what is written here goes on top
      any.push_back({{"type", "object"}, {"not", {{"required", {"type"}}}}});
    return {{"anyOf", any}};
  }

  Json slots(const FieldInfo& field) {
    want(field.part_kind);
    Json properties = Json::object();
    for (const auto& [name, part] : catalogue_.kind(field.part_kind))
      properties[name] = {
          {"anyOf", {without_type(field.part_kind, name), reference_to(field.part_kind), open_value()}}};
    return {{"type", "object"},
            {"properties", properties},
            {"additionalProperties", {{"anyOf", {reference_to(field.part_kind), open_value()}}}}};
  }

  static Json scalar(const FieldInfo& field, const std::string& type) {
    Json json = {{"type", type}};
    if (!field.choices.empty()) json = {{"enum", field.choices}};
    if (std::isfinite(field.range.low))
      json[field.range.above ? "exclusiveMinimum" : "minimum"] = field.range.low;
    if (std::isfinite(field.range.high)) json["maximum"] = field.range.high;
    return json;
  }

  Json value_of(const FieldInfo& field) {
    if (field.type.starts_with("part of kind")) return slot(field);
    if (field.type.starts_with("map of parts")) return slots(field);
    if (field.type == "tree") return Json::object();
    Json json;
    if (field.type.starts_with("list of ")) {
      const std::string item = field.type.substr(8, field.type.size() - 9);
      json = {{"anyOf", {{{"type", "array"}, {"items", scalar(field, item)}}, open_value()}}};
    } else {
      json = {{"anyOf", {scalar(field, field.type), open_value()}}};
    }
    if (field.optional) json["anyOf"].push_back({{"type", "null"}});
    if (!field.standard.is(Node::Kind::null))
      json["default"] = read_json(config::to_json(field.standard), field.path);
    return json;
  }

  const Catalogue& catalogue_;
  std::vector<std::string> wanted_;
  Json definitions_ = Json::object();
};

}  // namespace

std::string document_schema(const Catalogue& catalogue, const std::string& document) {
  const auto fields = catalogue.documents.find(document);
  if (fields == catalogue.documents.end()) {
    std::vector<std::string> known;
    for (const auto& [name, each] : catalogue.documents) known.push_back(name);
    throw ConfigError("command line", document + ": no schema of that name" + suggestion(document, known),
                      "unknown_option");
  }
  SchemaWriter writer(catalogue);
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "a " + document + " of Subband"}};
  schema.update(writer.map_of(fields->second, ""));
  schema["properties"]["defaults"] = {{"type", "array"},
                                      {"description", "configs and options to start from"}};
  schema["$defs"] = writer.definitions();
  return schema.dump(1) + "\n";
}

int command_schema(Arguments arguments, const Catalogue& catalogue) {
  CommandLine line("schema", "the JSON Schema of recipes or sweeps, for editors", "subband schema recipe");
  std::string what = "recipe";
  line.app().add_option("what", what, "recipe or sweep");
  return line.run(arguments, [&] {
    std::cout << document_schema(catalogue, what);
    return 0;
  });
}

namespace commands {

void add_schema(CommandTable& table) {
  table.push_back(
      {"schema", "the JSON Schema of recipes and sweeps, for editors", {"recipe|sweep"}, command_schema});
}

}  // namespace commands

}  // namespace subband
