#include "sweeps/spec/read_search.h"

#include <nlohmann/json.hpp>

#include "core/config/yaml.h"
#include "core/json.h"
#include "core/program/schema.h"
#include "core/testing/catch.h"
#include "sweeps/spec/sweep_fields.h"
#include "sweeps/testing/small_search.h"

namespace subband::read_search_test {

TEST_CASE("the schema of a sweep has every sampler, pruner and launcher with its fields", "[search]") {
  Catalogue catalogue = catalogue_of(testing::sweeps_registry());
  catalogue.documents["sweep"] = sweep_fields();
  const Json schema = read_json(document_schema(read_catalogue(catalogue_json(catalogue)), "sweep"), "schema");
  const Json& search = schema.at("properties").at("search").at("properties");
  CHECK(search.at("sampler").at("anyOf")[0].at("$ref") == "#/$defs/sampler");
  CHECK(search.at("pruner").at("anyOf")[0].at("$ref") == "#/$defs/pruner");
  CHECK(search.at("trials").at("anyOf")[0].at("minimum") == 1);
  CHECK(search.contains("space"));
  CHECK(schema.at("properties").at("launcher").at("anyOf")[0].at("$ref") == "#/$defs/launcher");
  const Json& parts = schema.at("$defs");
  CHECK(parts.at("sampler.tpe").at("properties").at("startup").at("anyOf")[0].at("type") == "integer");
  CHECK(parts.at("pruner.asha").at("properties").contains("eta"));
  CHECK(parts.at("launcher.slurm").at("properties").contains("qos"));
}

TEST_CASE("a part of a search without a type is the standard one", "[search]") {
  const auto searched = [](const std::string& parts) {
    return *bind_sweep("s", config::parse_yaml("base: a\nsearch: {" + parts + "space: {x: [1, 2]}}\n", "s.yaml")).search;
  };
  CHECK(searched("").sampler == config::Node("tpe"));
  CHECK(search_text(searched("sampler: {startup: 3}, ")).starts_with("sampler tpe, pruner none, "));
  CHECK(searched("sampler: {startup: 3}, ").sampler.find("startup")->integer() == 3);
  CHECK(searched("pruner: {type: asha, eta: 3}, ").pruner.find("type")->string() == "asha");
}

}  // namespace subband::read_search_test
