#include "core/program/catalogue.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/program/completion.h"
#include "core/program/schema.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace catalogue_test {

using namespace subband;
using config::Node;
using nlohmann::json;

// Two kinds; `block` holds a part of the other, and parts side by side.
static Catalogue small_catalogue() {
  const auto yaml = [](const char* text) { return config::parse_yaml(text, "test"); };
  CataloguePart wave{
      .info = {.name = "wave", .summary = "a | wave", .source = "ours, a test", .cost = "L D"},
      .code = "00ff",
      .fields =
          {{.path = "taps", .type = "integer", .standard = Node(int64_t{3}), .range = {1, 9}, .help = "K"},
           {.path = "rate", .type = "number", .standard = Node(0.5), .range = {0, 1, true}, .help = "r"}},
      .defaults = yaml("{type: wave, taps: 3, rate: 0.5}")};
  CataloguePart flat{
      .info = {.name = "flat", .summary = "nothing"}, .fields = {}, .defaults = yaml("{type: flat}")};
  CataloguePart block{
      .info = {.name = "block", .summary = "a block"},
      .fields = {{.path = "mixer",
                  .type = "part of kind mixer",
                  .standard = Node("wave"),
                  .part_kind = "mixer",
                  .help = "m"},
                 {.path = "mixer.taps",
                  .type = "integer",
                  .standard = Node(int64_t{3}),
                  .range = {1, 9},
                  .help = "K"},
                 {.path = "more",
                  .type = "map of parts of kind mixer",
                  .standard = yaml("{flat: {}}"),
                  .part_kind = "mixer",
                  .help = "side by side"},
                 {.path = "norm",
                  .type = "string",
                  .standard = Node("rms"),
                  .choices = {"rms", "layer"},
                  .help = "n"},
                 {.path = "deep", .type = "map", .standard = Node::map(), .help = "d"},
                 {.path = "deep.on", .type = "boolean", .standard = Node(true), .help = "o"},
                 {.path = "deep.sizes",
                  .type = "list of integers",
                  .standard = yaml("[1, 2]"),
                  .optional = true,
                  .help = "s"}},
      .defaults = yaml("{type: block, mixer: {type: wave, taps: 3}, more: {flat: {type: flat}}, norm: rms, "
                       "deep: {on: true, sizes: [1, 2]}}")};
  Catalogue catalogue;
  catalogue.kinds["mixer"] = {{"wave", wave}, {"flat", flat}};
  catalogue.kinds["net"] = {{"block", block}};
  catalogue.documents["recipe"] = {
      {.path = "net",
       .type = "part of kind net",
       .standard = Node("block"),
       .part_kind = "net",
       .help = "the model"},
      {.path = "seed", .type = "integer", .standard = Node(int64_t{1}), .range = {0, 9}, .help = "s"}};
  catalogue.documents["sweep"] = {{.path = "set", .type = "tree", .help = "overrides"}};
  catalogue.groups = {{"recipe", "recipes"}, {"data", "data"}, {"sweep", "sweeps"}};
  const std::map<std::string, std::vector<std::string>> plain = {{"", {"--json"}}};
  catalogue.commands = {
      {"run", "trains", {"recipe", "override…"}, {{"", {"--check", "--json"}}}},
      {"runs", "lists", {"list|show"}, {{"", {"--json"}}, {"list", {"--limit"}}, {"show", {"--json"}}}},
      {"report", "shows", {"sweep…"}, plain},
      {"describe", "explains", {"kind", "part"}, plain}};
  return catalogue;
}

// As much of JSON Schema as the schemas use. The first broken rule, or nothing.
class Validator {
 public:
  explicit Validator(json schema) : root_(std::move(schema)) {}
  std::string broken(const json& value) const { return broken(root_, value, ""); }

 private:
  static bool is_type(const json& value, const std::string& type) {
    return type == "object"    ? value.is_object()
           : type == "array"   ? value.is_array()
           : type == "string"  ? value.is_string()
           : type == "boolean" ? value.is_boolean()
           : type == "null"    ? value.is_null()
           : type == "integer" ? value.is_number() && value.get<double>() == std::floor(value.get<double>())
                               : value.is_number();
  }

  std::string broken(const json& schema, const json& value, const std::string& path) const {
    const auto count = [&](const char* key) {
      return std::count_if(schema[key].begin(), schema[key].end(),
                           [&](const json& each) { return broken(each, value, path).empty(); });
    };
    if (schema.contains("$ref")) {
      const std::string name = schema["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
      if (const auto why = broken(root_.at("$defs").at(name), value, path); !why.empty()) return why;
    }
    if (schema.contains("type") && !is_type(value, schema["type"]))
      return path + " is no " + std::string(schema["type"]);
    if (schema.contains("const") && value != schema["const"])
      return path + " is not " + schema["const"].dump();
    if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
      return path + " is none of " + schema["enum"].dump();
    if (schema.contains("pattern") && value.is_string() &&
        !std::regex_search(value.get<std::string>(), std::regex(schema["pattern"].get<std::string>())))
      return path + " does not match";
    if (schema.contains("minimum") && value.is_number() && value < schema["minimum"])
      return path + " is too small";
    if (schema.contains("exclusiveMinimum") && value.is_number() && value <= schema["exclusiveMinimum"])
      return path + " is too small";
    if (schema.contains("maximum") && value.is_number() && value > schema["maximum"])
      return path + " is too large";
    if (schema.contains("oneOf") && count("oneOf") != 1) return path + " fits not one of the choices";
    if (schema.contains("anyOf") && count("anyOf") < 1) return path + " fits no choice";
    if (schema.contains("allOf") && count("allOf") != std::ssize(schema["allOf"]))
      return path + " fits not all";
    if (schema.contains("not") && broken(schema["not"], value, path).empty())
      return path + " is what it must not be";
    if (schema.contains("required") && value.is_object())
      for (const json& key : schema["required"])
        if (!value.contains(key)) return path + " lacks " + key.dump();
    if (value.is_array() && schema.contains("items"))
      for (const json& item : value)
        if (const auto why = broken(schema["items"], item, path + "[]"); !why.empty()) return why;
    return value.is_object() ? broken_property(schema, value, path) : "";
  }

  std::string broken_property(const json& schema, const json& value, const std::string& path) const {
    for (const auto& [key, each] : value.items()) {
      const std::string here = path + "." + key;
      std::string why;
      if (schema.contains("properties") && schema["properties"].contains(key))
        why = broken(schema["properties"][key], each, here);
      else if (schema.contains("additionalProperties") && schema["additionalProperties"].is_boolean())
        why = schema["additionalProperties"] ? "" : here + " is unknown";
      else if (schema.contains("additionalProperties"))
        why = broken(schema["additionalProperties"], each, here);
      if (!why.empty()) return why;
    }
    return "";
  }

  json root_;
};

static std::string broken_by(const Validator& validator, const std::string& yaml) {
  return validator.broken(json::parse(config::to_json(config::parse_yaml(yaml, "spec"))));
}

TEST_CASE("a schema takes names, maps with and without a type, maps of parts and interpolations",
          "[catalogue]") {
  const Validator recipe(json::parse(document_schema(small_catalogue(), "recipe")));
  for (const char* good :
       {"seed: 3", "net: block", "net: {mixer: flat}", "net: {type: block, mixer: {type: wave, taps: 9}}",
        "net: {mixer: {taps: 2}}", "net: ${other}", "seed: ???", "net: {more: {flat: {}, wave: {taps: 1}}}",
        "net: {more: {first: {type: wave}, second: flat}}",
        "net: {norm: layer, deep: {on: false, sizes: null}}",
        "defaults: [/data: tiny, _self_]\nnet: {deep: {sizes: [3]}}", "net: {mixer: {rate: 1}}"}) {
    CAPTURE(good);
    CHECK(broken_by(recipe, good).empty());
  }
  for (const char* bad : {"sed: 3", "seed: 12", "seed: x", "seed: 1.5", "net: bloc", "net: {mixr: flat}",
                          "net: {mixer: {taps: 0}}", "net: {mixer: {type: flat, taps: 3}}",
                          "net: {norm: batch}", "net: {deep: {on: 1}}", "net: {deep: {sizes: [x]}}",
                          "net: {more: {first: {taps: 3}}}", "net: {mixer: {rate: 0}}", "net: [block]"}) {
    CAPTURE(bad);
    CHECK(!broken_by(recipe, bad).empty());
  }
}

TEST_CASE("stored probes are noted in the catalogue, by a digest", "[catalogue]") {
  Catalogue catalogue = small_catalogue();
  const auto file =
      std::filesystem::temp_directory_path() / ("subband_probes_" + std::to_string(getpid()) + ".json");
  add_probes(catalogue, file);  // not there
  CHECK(catalogue.part("mixer", "wave").probe.empty());
  write_file(file, R"({"mixer:wave": {"version": 1, "cases": {"causal": [1.5]}}})");
  add_probes(catalogue, file);
  std::filesystem::remove(file);
  CHECK(catalogue.part("mixer", "wave").probe == sha256_hex(R"({"causal":[1.5]})").substr(0, 8));
  CHECK(catalogue.part("mixer", "flat").probe.empty());
  CHECK(read_catalogue(catalogue_json(catalogue)).part("mixer", "wave").probe ==
        catalogue.part("mixer", "wave").probe);
}

TEST_CASE("a catalogue survives its file, and an old or a damaged one is not used", "[catalogue]") {
  const Catalogue catalogue = small_catalogue();
  const std::string text = catalogue_json(catalogue);
  CHECK(catalogue_json(read_catalogue(text)) == text);
  const auto folder =
      std::filesystem::temp_directory_path() / ("subband_catalogue_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  CHECK(!installed_catalogue(folder / "catalogue.json", folder / "library"));
  std::ofstream(folder / "catalogue.json") << text;
  std::ofstream(folder / "library") << "";
  const auto now = std::filesystem::last_write_time(folder / "library");
  std::filesystem::last_write_time(folder / "catalogue.json", now - std::chrono::seconds(5));
  CHECK(!installed_catalogue(folder / "catalogue.json", folder / "library"));
  std::filesystem::last_write_time(folder / "catalogue.json", now + std::chrono::seconds(5));
  CHECK(installed_catalogue(folder / "catalogue.json", folder / "library").has_value());
  for (const std::string& damaged : {std::string(), text.substr(0, text.size() / 2), std::string("{}")}) {
    std::ofstream(folder / "catalogue.json") << damaged;
    std::filesystem::last_write_time(folder / "catalogue.json", now + std::chrono::seconds(5));
    CHECK(!installed_catalogue(folder / "catalogue.json", folder / "library"));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a reference page is YAML with every default and a remark on each field", "[catalogue]") {
  const Catalogue catalogue = small_catalogue();
  CHECK(reference_page("mixer", catalogue.part("mixer", "wave")) ==
        "# mixer wave: a | wave\n# cost: L D\n# source: ours, a test\n"
        "# version: 1, code 00ff; raised when the same config computes something else\ntype: \"wave\"\n"
        "taps: 3                          # integer, 1 to 9: K\n"
        "rate: 0.5                        # number, above 0, at most 1: r\n");
  const CataloguePart& block = catalogue.part("net", "block");
  CHECK(config::parse_yaml(reference_page("net", block), "page") == block.defaults);
  CHECK_THROWS_WITH(catalogue.part("mixer", "wav"),
                    "command line: wav: unknown mixer; did you mean 'wave'? known: flat, wave");
}

TEST_CASE("list names kinds of parts, groups of files and metric where it is asked for something else", "[catalogue]") {
  std::ostringstream said;
  std::streambuf* before = std::cerr.rdbuf(said.rdbuf());
  const int code = command_list(std::vector<std::string>{"recipes"}, small_catalogue());
  std::cerr.rdbuf(before);
  CHECK(code == 2);
  CHECK(said.str() ==
        "command line: recipes: nothing of this kind; did you mean 'recipe'? known: data, metric, mixer, net, recipe, "
        "sweep\n");
}

TEST_CASE("tables of parts are written between their marks and nowhere else", "[catalogue]") {
  const std::string page = "# a\n<!-- parts: mixer -->\nold\n<!-- end -->\nb\n";
  const std::string written = with_parts_tables(small_catalogue(), page);
  CHECK(written ==
        "# a\n<!-- parts: mixer -->\n| mixer | |\n|---|---|\n| `flat` | nothing |\n| `wave` | a \\| wave |\n"
        "<!-- end -->\nb\n");
  CHECK(with_parts_tables(small_catalogue(), written) == written);
}

TEST_CASE("completion offers commands, options, recipes, keys and values", "[catalogue]") {
  const auto root = std::filesystem::temp_directory_path() / ("subband_complete_" + std::to_string(getpid()));
  std::filesystem::create_directories(root / "recipes/tiny");
  std::filesystem::create_directories(root / "data");
  std::ofstream(root / "recipes/tiny/one.yaml") << "net: {mixer: flat}\n";
  std::ofstream(root / "data/books.yaml") << "";
  std::filesystem::create_directories(root / "sweeps");
  std::ofstream(root / "sweeps/widths.yaml") << "";
  const Catalogue catalogue = small_catalogue();
  const auto offered = [&](const std::vector<std::string>& words) {
    return join(completions(catalogue, root, words), " ");
  };
  CHECK(offered({"ru"}) == "run runs");
  CHECK(offered({"run", "--"}) == "--check --json");
  CHECK(offered({"runs", "l"}) == "list");
  CHECK(offered({"runs", "list", "-"}) == "--limit");
  CHECK(offered({"runs", "list", ""}) == "");
  CHECK(offered({"report", "widths", "w"}) == "widths");
  CHECK(offered({"remember", ""}) == "");
  CHECK(offered({"run", "t"}) == "tiny/one");
  CHECK(offered({"run", "tiny/one", ""}) == "net. net= seed=");
  CHECK(offered({"run", "tiny/one", "net."}) == "net.deep. net.mixer= net.more. net.norm=");
  CHECK(offered({"run", "tiny/one", "net.mixer=wave", "net.mixer."}) == "net.mixer.rate= net.mixer.taps=");
  CHECK(offered({"run", "tiny/one", "net.mixer="}) == "net.mixer=flat net.mixer=wave");
  CHECK(offered({"run", "tiny/one", "net.norm=l"}) == "net.norm=layer");
  CHECK(offered({"run", "tiny/one", "net.deep.on="}) == "net.deep.on=false net.deep.on=true");
  CHECK(offered({"run", "tiny/one", "+data="}) == "+data=books");
  CHECK(offered({"run", "tiny/one", "~net.more."}) == "~net.more.flat");
  CHECK(offered({"describe", "mi"}) == "mixer");
  CHECK(offered({"describe", "mixer", "w"}) == "wave");
  std::filesystem::remove_all(root);
  CHECK(completion_script("bash").find("complete -F _subband subband") != std::string::npos);
  CHECK(completion_script("zsh").starts_with("#compdef subband"));
  CHECK_THROWS_WITH(completion_script("fish"),
                    "command line: fish: no completion for this shell; known: bash, zsh");
}

// What the build knows of the real parts; core itself knows none.
static std::optional<Catalogue> real_catalogue() {
  const char* program = std::getenv("SUBBAND_PROGRAM");
  const auto file = std::filesystem::path(program ? program : "").parent_path() / "catalogue.json";
  if (program && std::filesystem::exists(file)) return read_catalogue(read_file(file));
  std::cout << "skipped: no catalogue.json beside the program; build the target catalogue\n";
  return std::nullopt;
}

TEST_CASE("every shipped recipe and sweep fits its schema and points to it", "[catalogue]") {
  const auto catalogue = real_catalogue();
  if (!catalogue) return;
  const auto check = [&](const char* folder, const std::string& schema, const std::string& name) {
    const Validator validator(json::parse(schema));
    for (const auto& file : std::filesystem::recursive_directory_iterator(program_root() / folder)) {
      if (file.path().extension() != ".yaml") continue;
      const std::string text = read_file(file.path());
      CAPTURE(file.path().string());
      CHECK(broken_by(validator, text) == "");
      CHECK(text.starts_with("# yaml-language-server: $schema="));
      CHECK(split(text, '\n').front().ends_with("build/schema/" + name + ".json"));
    }
  };
  check("experiments/recipes", document_schema(*catalogue, "recipe"), "recipe");
  check("sweeps", document_schema(*catalogue, "sweep"), "sweep");
}

TEST_CASE("the tables of parts in the folders' pages are those of the program; `make tables` writes them",
          "[catalogue]") {
  const auto catalogue = real_catalogue();
  if (!catalogue) return;
  for (const char* folder : {"models", "experiments"}) {
    const std::string page = read_file(program_root() / folder / "PARTS.md");
    CAPTURE(folder);
    CHECK(with_parts_tables(*catalogue, page) == page);
  }
}

}  // namespace catalogue_test
