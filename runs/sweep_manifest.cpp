#include "runs/sweep_manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "runs/claim_register.h"
#include "runs/record/record_line.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

// Whether a JSON document is, or was meant to be, a manifest: tables and other documents are not.
bool is_manifest(const Json& document) {
  return document.is_object() && document.contains("name") && document.contains("spec") &&
         document.contains("cells");
}

// The name in a manifest; nothing where there is none, or it is damaged.
std::optional<std::string> name_in(const fs::path& file) {
  std::error_code none;
  if (!fs::is_regular_file(file, none)) return std::nullopt;
  try {
    return read_sweep_manifest(file).name;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string file_stem(const fs::path& store, const std::string& name) {
  constexpr size_t kLongest = 200;  // bytes; file systems take 255, and endings are to fit too
  std::string stem = name;
  if (stem.size() > kLongest) stem = fitted(stem, 100) + "~" + sha256_hex(name).substr(0, 16);
  std::ranges::replace(stem, '/', '-');
  if (stem.find('-') == std::string::npos) return stem;  // no other name becomes it
  for (int number = 1;; ++number) {
    const std::string candidate = number == 1 ? stem : stem + "~" + std::to_string(number);
    const auto present = name_in(store / "sweeps" / (candidate + ".json"));
    if (!present || *present == name) return candidate;
  }
}

}  // namespace

// Whether a manifest was written for this spec: a file on this machine that is still there is no other file.
static bool is_of(const SweepManifest& sweep, const std::string& spec) {
  const bool is_file = spec.ends_with(".yaml");
  if (sweep.spec.ends_with(".yaml") != is_file) return false;
  std::error_code none;
  if (!is_file || sweep.file.empty() || !fs::exists(sweep.file, none)) return true;
  return fs::equivalent(sweep.file, spec, none);
}

static bool is_free(const fs::path& store, const std::string& name, const std::string& spec) {
  const fs::path file = sweep_file(store, name, ".json");
  std::error_code none;
  if (!fs::is_regular_file(file, none)) return true;
  try {
    return is_of(read_sweep_manifest(file), spec);
  } catch (const Error&) {  // damaged: written anew
    return true;
  }
}

std::string sweep_name(const fs::path& store, const std::string& spec, const std::string& change) {
  if (!spec.ends_with(".yaml"))
    return is_free(store, spec + change, spec) ? spec + change : "sweeps/" + spec + change;
  const fs::path file = fs::absolute(spec).lexically_normal();
  std::string name = file.stem().string() + change;
  for (fs::path folder = file.parent_path(); !is_free(store, name, spec) && folder.has_relative_path();
       folder = folder.parent_path())
    name = folder.filename().string() + "/" + name;
  return name;
}

fs::path sweep_file(const fs::path& store, const std::string& name, const std::string& extension) {
  return store / "sweeps" / (file_stem(store, name) + extension);
}

fs::path report_file(const fs::path& store, const std::string& name, const std::string& extension) {
  return store / "reports" / (file_stem(store, name) + extension);
}

void write_sweep_manifest(const fs::path& store, const SweepManifest& sweep) {
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
    if (!cell.trial_of.empty()) document["cells"].back()["trial_of"] = cell.trial_of;
    if (cell.split > 0) document["cells"].back()["split"] = cell.split;
    if (!cell.refused.empty()) document["cells"].back()["refused"] = cell.refused;
  }
  for (const SweepClaim& claim : sweep.claims) document["claims"].push_back(claim_json(claim));
  for (const SweepColumn& column : sweep.columns)
    document["columns"].push_back({{"title", column.title}, {"metric", column.metric}});
  for (const SweepLine& line : sweep.lines)
    document["lines"].push_back({{"label", line.label}, {"value", number_json(line.value)}});
  for (const SweepRemark& remark : sweep.remarks)
    document["remarks"].push_back({{"row", remark.row}, {"text", remark.text}});
  if (!sweep.searched.empty()) document["searched"] = sweep.searched;
  if (!sweep.tuned_by.empty()) document["tuned_by"] = sweep.tuned_by;
  if (!sweep.code.empty()) document["code"] = sweep.code;
  if (!sweep.published.empty()) document["published"] = sweep.published;
  if (!sweep.file.empty()) document["file"] = sweep.file;
  write_file(sweep_file(store, sweep.name, ".json"), json_document(document, 1) + "\n");
}

static SweepManifest manifest_in(const std::string& text, const fs::path& file) {
  try {
    const Json document = read_json(text, file.string());
    SweepManifest sweep{.name = document.at("name"),
                        .spec = document.at("spec"),
                        .file = document.value("file", ""),
                        .metric = document.at("metric").at("name"),
                        .goal = document.at("metric").at("goal"),
                        .baseline = document.at("baseline"),
                        .seeds = document.at("seeds").get<std::vector<int64_t>>(),
                        .published = document.value("published", "")};
    sweep.searched = document.value("searched", "");
    sweep.tuned_by = document.value("tuned_by", "");
    for (const auto& cell : document.at("cells"))
      sweep.cells.push_back({.row = cell.at("row"),
                             .seed = cell.at("seed"),
                             .id = cell.at("id"),
                             .overrides = cell.at("overrides").get<std::vector<std::string>>(),
                             .baseline = cell.value("baseline", ""),
                             .trial_of = cell.value("trial_of", ""),
                             .split = cell.value("split", int64_t{0}),
                             .refused = cell.value("refused", "")});
    for (const auto& claim : document.value("claims", Json::array())) sweep.claims.push_back(claim_of(claim));
    for (const auto& column : document.value("columns", nlohmann::ordered_json::array()))
      sweep.columns.push_back({.title = column.at("title"), .metric = column.at("metric")});
    for (const auto& line : document.value("lines", nlohmann::ordered_json::array()))
      sweep.lines.push_back({.label = line.at("label"), .value = number_of(line.at("value"))});
    for (const auto& remark : document.value("remarks", nlohmann::ordered_json::array()))
      sweep.remarks.push_back({.row = remark.at("row"), .text = remark.at("text")});
    sweep.code = document.value("code", PartCode{});
    return sweep;
  } catch (const std::exception&) {  // no JSON, or another one
    throw Error(Problem{file.string(), "sweep manifest: is damaged; run the sweep again to write it anew",
                        "damaged"});
  }
}

SweepManifest read_sweep_manifest(const fs::path& file) {
  SweepManifest sweep = manifest_in(read_file(file), file);
  sweep.registered = read_registrations(file);
  return sweep;
}

ManifestReading read_sweep_manifests(const fs::path& store) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(store / "sweeps", none))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  ManifestReading reading;
  for (const fs::path& file : files) {
    try {
      const std::string text = read_file(file);
      const Json document = read_json_or_null(text);
      if (!document.is_null() && !is_manifest(document)) continue;
      SweepManifest sweep = manifest_in(text, file);
      const fs::path own = sweep_file(store, sweep.name, ".json");
      if (own != file && fs::is_regular_file(own, none))  // its report and picture would take the place of the other's
        throw Error(file.string(), "sweep manifest: is a copy of " + own.filename().string());
      sweep.registered = read_registrations(file);
      reading.sweeps.push_back(std::move(sweep));
    } catch (const Error& error) {  // one bad file does not keep the others from being read
      reading.notices.push_back(std::string(error.what()) + "; left out");
    }
  }
  std::ranges::stable_sort(reading.sweeps, {}, &SweepManifest::name);
  return reading;
}

}  // namespace subband
