#include "core/program/catalogue.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/config/compose.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/command_table.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

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

Json field_json(const FieldInfo& field) {
  Json json = {{"path", field.path},
               {"type", field.type},
               {"default", read_json(config::to_json(field.standard), field.path)},
               {"help", field.help}};
  if (field.optional) json["nullable"] = true;
  if (!field.choices.empty()) json["choices"] = field.choices;
  if (!field.part_kind.empty()) json["kind"] = field.part_kind;
  if (std::isfinite(field.range.low)) json[field.range.above ? "above" : "minimum"] = field.range.low;
  if (std::isfinite(field.range.high)) json["maximum"] = field.range.high;
  return json;
}

Json fields_json(const std::vector<FieldInfo>& fields) {
  Json all = Json::array();
  for (const FieldInfo& field : fields) all.push_back(field_json(field));
  return all;
}

Json part_json(const std::string& kind, const CataloguePart& part) {
  return {{"kind", kind},
          {"name", part.info.name},
          {"summary", part.info.summary},
          {"source", part.info.source},
          {"cost", part.info.cost},
          {"version", part.info.version},
          {"probe", part.probe},
          {"code", part.code},
          {"fields", fields_json(part.fields)},
          {"defaults", read_json(config::to_json(part.defaults), part.info.name)}};
}

Node node_of(const Json& json) { return config::parse_yaml(json.dump(), "catalogue"); }

std::vector<FieldInfo> read_fields(const Json& all) {
  std::vector<FieldInfo> fields;
  for (const Json& json : all) {
    FieldInfo field{.path = json.at("path"),
                    .type = json.at("type"),
                    .standard = node_of(json.at("default")),
                    .choices = json.value("choices", std::vector<std::string>{}),
                    .part_kind = json.value("kind", ""),
                    .optional = json.value("nullable", false),
                    .help = json.at("help")};
    field.range.above = json.contains("above");
    field.range.low = json.value("above", json.value("minimum", field.range.low));
    field.range.high = json.value("maximum", field.range.high);
    fields.push_back(std::move(field));
  }
  return fields;
}

Json summary_json(const std::string& kind, const std::map<std::string, CataloguePart>& parts,
                  bool has_versions) {
  Json all = Json::array();
  for (const auto& [name, part] : parts) {
    all.push_back({{"name", name}, {"summary", part.info.summary}, {"source", part.info.source}});
    if (has_versions) all.back().update({{"version", part.info.version}, {"probe", part.probe}});
  }
  return {{"kind", kind}, {"parts", all}};
}

void print_kind(const std::string& kind, const std::map<std::string, CataloguePart>& parts, bool has_versions) {
  const size_t columns = terminal_columns(STDOUT_FILENO).value_or(SIZE_MAX);
  std::cout << kind << "\n";
  for (const auto& [name, part] : parts) {
    std::string line = fmt::format("  {:<20} {}", name, part.info.summary);
    if (has_versions)
      line = fmt::format("  {:<24} version {:<3} {}", name, part.info.version,
                         part.probe.empty() ? "no probe" : "probe " + part.probe);
    std::cout << fitted(line, columns) << "\n";
  }
}

void append_page(std::string& page, const CataloguePart& part, const Node& node, const std::string& path,
                 size_t depth) {
  for (const config::Entry& entry : node.entries()) {
    const std::string here = path.empty() ? entry.key : path + "." + entry.key;
    const FieldInfo* field = part.field(here);
    const bool opens =
        entry.value.is(Node::Kind::map) && entry.value.size() > 0 && (!field || field->type != "tree");
    std::string line = std::string(2 * depth, ' ') + entry.key + ":";
    if (!opens) line += " " + config::to_json(entry.value);
    page += field ? fmt::format("{:<32} # {}\n", line, remark(*field)) : line + "\n";
    if (opens) append_page(page, part, entry.value, here, depth + 1);
  }
}

std::string table_cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

}  // namespace

const FieldInfo* CataloguePart::field(std::string_view path) const {
  const auto found = std::ranges::find(fields, path, &FieldInfo::path);
  return found == fields.end() ? nullptr : &*found;
}

const std::map<std::string, CataloguePart>& Catalogue::kind(const std::string& name) const {
  const auto found = kinds.find(name);
  if (found != kinds.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, parts] : kinds) known.push_back(each);
  throw ConfigError("command line", name + ": unknown kind" + suggestion(name, known), "unknown_option");
}

const CataloguePart& Catalogue::part(const std::string& kind_name, const std::string& name) const {
  const auto& parts = kind(kind_name);
  const auto found = parts.find(name);
  if (found != parts.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, part] : parts) known.push_back(each);
  throw ConfigError("command line", name + ": unknown " + kind_name + suggestion(name, known),
                    "unknown_option");
}

Catalogue catalogue_of(const Registry& registry) {
  Catalogue catalogue;
  catalogue.groups = registry.groups();
  for (const std::string& kind_name : registry.kinds()) {
    const Kind& kind = *registry.find(kind_name);
    for (const std::string& name : kind.names()) {
      CataloguePart part{.info = *kind.info(name), .fields = {}, .defaults = Node::map()};
      BindSession session{.registry = &registry};
      const Node nothing = Node::map();
      Binder binder(session, nothing, part.defaults);
      binder.resolve("type", Node(name));
      kind.describe(name, binder);
      part.fields = std::move(session.fields);
      catalogue.kinds[kind_name].emplace(name, std::move(part));
    }
  }
  return catalogue;
}

std::string catalogue_json(const Catalogue& catalogue) {
  Json document;
  document["parts"] = Json::array();
  for (const auto& [kind, parts] : catalogue.kinds)
    for (const auto& [name, part] : parts) document["parts"].push_back(part_json(kind, part));
  document["groups"] = catalogue.groups;
  document["documents"] = Json::object();
  for (const auto& [name, fields] : catalogue.documents) document["documents"][name] = fields_json(fields);
  document["commands"] = Json::array();
  for (const CatalogueCommand& each : catalogue.commands)
    document["commands"].push_back(
        {{"name", each.name}, {"summary", each.summary}, {"words", each.words}, {"options", each.options}});
  return document.dump(1) + "\n";
}

Catalogue read_catalogue(const std::string& json) {
  const Json document = read_json(json, "catalogue");
  Catalogue catalogue;
  for (const Json& each : document.at("parts")) {
    CataloguePart part{.info = {.name = each.at("name"),
                              .summary = each.at("summary"),
                              .source = each.at("source"),
                              .cost = each.at("cost"),
                              .version = each.at("version")},
                     .probe = each.value("probe", ""),
                     .code = each.value("code", ""),
                     .fields = read_fields(each.at("fields")),
                     .defaults = node_of(each.at("defaults"))};
    const std::string name = part.info.name;
    catalogue.kinds[each.at("kind")].emplace(name, std::move(part));
  }
  document.at("groups").get_to(catalogue.groups);
  for (const auto& [name, fields] : document.at("documents").items())
    catalogue.documents[name] = read_fields(fields);
  for (const Json& each : document.at("commands"))
    catalogue.commands.push_back({each.at("name"), each.at("summary"), each.at("words"), each.at("options")});
  return catalogue;
}

std::optional<Catalogue> installed_catalogue(const std::filesystem::path& file,
                                         const std::filesystem::path& newest) {
  std::error_code missing;
  const auto written = std::filesystem::last_write_time(file, missing);
  if (missing) return std::nullopt;
  const auto made_from = std::filesystem::last_write_time(newest, missing);
  if (!missing && made_from > written) return std::nullopt;
  try {
    return read_catalogue(read_file(file));
  } catch (const Error&) {  // half written: the laboratory knows all of it
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string reference_page(const std::string& kind, const CataloguePart& part) {
  std::string page = "# " + kind + " " + part.info.name + ": " + part.info.summary + "\n";
  if (!part.info.cost.empty()) page += "# cost: " + part.info.cost + "\n";
  if (!part.info.source.empty()) page += "# source: " + part.info.source + "\n";
  page += fmt::format("# version: {}{}; raised when the same config computes something else\n", part.info.version,
                      part.code.empty() ? "" : ", code " + part.code);
  append_page(page, part, part.defaults, "", 0);
  return page;
}

std::string parts_table(const Catalogue& catalogue, const std::string& kind) {
  std::string table = "| " + kind + " | |\n|---|---|\n";
  for (const auto& [name, part] : catalogue.kind(kind))
    table += "| `" + name + "` | " + table_cell(part.info.summary) + " |\n";
  return table;
}

std::string with_parts_tables(const Catalogue& catalogue, const std::string& page) {
  constexpr std::string_view kBegin = "<!-- parts: ", kEnd = "<!-- end -->";
  std::string out;
  size_t at = 0;
  for (size_t begin; (begin = page.find(kBegin, at)) != std::string::npos;) {
    const size_t name = begin + kBegin.size(), close = page.find(" -->\n", name), end = page.find(kEnd, name);
    if (close == std::string::npos || end == std::string::npos)
      throw Error("parts", "a table of parts has no '" + std::string(kEnd) + "'");
    out += page.substr(at, close + 5 - at);
    out += parts_table(catalogue, page.substr(name, close - name));
    at = end;
  }
  return out + page.substr(at);
}

// The files of a group, in the program's folders and in those of the user.
static std::vector<std::string> written_options(const Catalogue& catalogue, const std::string& group,
                                                const std::vector<std::filesystem::path>& folders) {
  if (group.empty()) return {};
  const config::SearchPath search(config::standard_folders(program_root(), catalogue.groups, folders));
  return search.all_options(group);
}

static void print_options(const std::string& group, const std::vector<std::string>& names) {
  std::cout << group << "=NAME, files:\n";
  for (const std::string& name : names) std::cout << "  " << name << "\n";
}

// `kind`: what has no files; a kind of part, or a group of files that holds none.
static void expect_listed(const Catalogue& catalogue, const std::string& kind) {
  std::set<std::string> known = {"metric"};
  for (const auto& [name, parts] : catalogue.kinds) known.insert(name);
  for (const auto& [name, folder] : catalogue.groups) known.insert(name);
  if (!known.contains(kind))
    throw ConfigError("command line",
                      kind + ": nothing of this kind" +
                          suggestion(kind, std::vector<std::string>(known.begin(), known.end())),
                      "unknown_option");
}

void add_probes(Catalogue& catalogue, const std::filesystem::path& file) {
  std::error_code none;
  if (!std::filesystem::exists(file, none)) return;
  const Json probes = read_json(read_file(file), file.string());
  for (auto& [kind, parts] : catalogue.kinds) {
    for (auto& [name, part] : parts) {
      const auto found = probes.find(kind + ":" + name);
      if (found != probes.end()) part.probe = sha256_hex(found->at("cases").dump()).substr(0, 8);
    }
  }
}

int command_list(Arguments arguments, const Catalogue& catalogue) {
  CommandLine line("list", "kinds and parts; `subband list metric RECIPE`: what its runs report",
                   "subband list mixer");
  std::string kind;
  std::filesystem::path page;
  std::vector<std::filesystem::path> folders;
  line.app().add_option("kind", kind,
                        "one kind, or recipe, sweep, data or another group of files; all kinds without it");
  line.config_dirs(folders);
  bool has_versions = false;
  line.app().add_flag(
      "--versions", has_versions,
      "versions, and the probes that guard them: digests of what a part computes on fixed inputs");
  line.app().add_option("--tables", page, "rewrite the tables of parts in this Markdown file instead");
  return line.run(arguments, [&] {
    if (!page.empty()) {
      write_file(page, with_parts_tables(catalogue, read_file(page)));
      return 0;
    }
    const std::vector<std::string> written = written_options(catalogue, kind, folders);
    const bool has_parts = written.empty() || catalogue.kinds.contains(kind);
    if (!kind.empty() && written.empty()) expect_listed(catalogue, kind);
    Json all = Json::array();
    for (const auto& [name, parts] : catalogue.kinds) {
      if (!has_parts || (!kind.empty() && kind != name)) continue;
      if (line.options().json)
        all.push_back(summary_json(name, parts, has_versions));
      else
        print_kind(name, parts, has_versions);
    }
    if (line.options().json && !written.empty()) all.push_back({{"group", kind}, {"options", written}});
    if (line.options().json)
      std::cout << json_document(all, 1) << "\n";
    else if (!written.empty())
      print_options(kind, written);
    return 0;
  });
}

int command_describe(Arguments arguments, const Catalogue& catalogue) {
  CommandLine line("describe", "a part's reference page, as commented YAML",
                   "subband describe mixer softmax_attention");
  std::string kind, part;
  line.app().add_option("kind", kind, "its kind, as `subband list` shows them")->required();
  line.app().add_option("name", part, "the part")->required();
  return line.run(arguments, [&] {
    const CataloguePart& known = catalogue.part(kind, part);
    if (line.options().json)
      std::cout << json_document(part_json(kind, known), 1) << "\n";
    else
      std::cout << reference_page(kind, known);
    return 0;
  });
}

namespace commands {

void add_list(CommandTable& table) { table.push_back({"list", "kinds and parts", {"kind"}, command_list}); }

void add_describe(CommandTable& table) {
  table.push_back(
      {"describe", "a part's reference page, as commented YAML", {"kind", "part"}, command_describe});
}

}  // namespace commands

}  // namespace subband
