#include "runs/sweep_manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace subband {

namespace fs = std::filesystem;

fs::path sweep_file(const fs::path& store, const std::string& name, const std::string& extension) {
  std::string file = name;
  std::ranges::replace(file, '/', '-');
  return store / "sweeps" / (file + extension);
}

void write_sweep_manifest(const fs::path& store, const SweepManifest& sweep) {
  using Json = nlohmann::ordered_json;
  Json document = {{"name", sweep.name},
                   {"spec", sweep.spec},
                   {"metric", {{"name", sweep.metric}, {"goal", sweep.goal}}},
                   {"baseline", sweep.baseline},
                   {"seeds", sweep.seeds},
                   {"cells", Json::array()}};
  for (const SweepCell& cell : sweep.cells) {
    document["cells"].push_back(
        {{"row", cell.row}, {"seed", cell.seed}, {"id", cell.id}, {"overrides", cell.overrides}});
    if (!cell.baseline.empty()) document["cells"].back()["baseline"] = cell.baseline;
  }
  for (const SweepClaim& claim : sweep.claims)
    document["claims"].push_back({{"row", claim.row}, {"is", claim.is}, {"by", claim.by}});
  for (const SweepColumn& column : sweep.columns)
    document["columns"].push_back({{"title", column.title}, {"metric", column.metric}});
  for (const SweepLine& line : sweep.lines)
    document["lines"].push_back({{"label", line.label}, {"value", line.value}});
  if (!sweep.published.empty()) document["published"] = sweep.published;
  write_file(sweep_file(store, sweep.name, ".json"),
             document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

SweepManifest read_sweep_manifest(const fs::path& file) {
  const std::string text = read_file(file);
  try {
    const auto document = nlohmann::ordered_json::parse(text);
    SweepManifest sweep{.name = document.at("name"),
                        .spec = document.at("spec"),
                        .metric = document.at("metric").at("name"),
                        .goal = document.at("metric").at("goal"),
                        .baseline = document.at("baseline"),
                        .seeds = document.at("seeds").get<std::vector<int64_t>>(),
                        .published = document.value("published", "")};
    for (const auto& cell : document.at("cells"))
      sweep.cells.push_back({.row = cell.at("row"),
                             .seed = cell.at("seed"),
                             .id = cell.at("id"),
                             .overrides = cell.at("overrides").get<std::vector<std::string>>(),
                             .baseline = cell.value("baseline", "")});
    for (const auto& claim : document.value("claims", nlohmann::ordered_json::array()))
      sweep.claims.push_back({.row = claim.at("row"), .is = claim.at("is"), .by = claim.at("by")});
    for (const auto& column : document.value("columns", nlohmann::ordered_json::array()))
      sweep.columns.push_back({.title = column.at("title"), .metric = column.at("metric")});
    for (const auto& line : document.value("lines", nlohmann::ordered_json::array()))
      sweep.lines.push_back({.label = line.at("label"), .value = line.at("value")});
    return sweep;
  } catch (const nlohmann::json::exception& wrong) {
    throw Error(Problem{file.string(), "sweep manifest: is damaged; run the sweep again to write it anew",
                        "damaged"});
  }
}

std::vector<SweepManifest> read_sweep_manifests(const fs::path& store) {
  std::vector<SweepManifest> sweeps;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(store / "sweeps", none))
    if (entry.path().extension() == ".json") sweeps.push_back(read_sweep_manifest(entry.path()));
  std::ranges::sort(sweeps, {}, &SweepManifest::name);
  return sweeps;
}

}  // namespace subband
