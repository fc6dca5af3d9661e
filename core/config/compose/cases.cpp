#include "core/config/compose/cases.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/config/compose.h"
#include "core/config/interpolation.h"
#include "core/config/override.h"
#include "core/error.h"
#include "core/json.h"

namespace subband::config {

namespace {

using json = Json;

void lay_out_case(const json& recorded, const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const auto& [name, text] : recorded.at("files").items()) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text.get<std::string>();
  }
  if (!recorded.contains("env")) return;
  for (const auto& [name, value] : recorded["env"].items()) {
    if (value.is_null())
      ::unsetenv(name.c_str());
    else
      ::setenv(name.c_str(), value.get<std::string>().c_str(), 1);
  }
}

std::string composed_answer(const json& recorded, const std::filesystem::path& folder) {
  lay_out_case(recorded, folder);
  const ComposeRequest request{.primary = recorded.at("primary"),
                               .overrides = recorded.at("overrides"),
                               .folders = {{"", folder}},
                               .raw = true};
  std::string unresolved;
  try {
    const Composition composition = compose_unresolved(request);
    unresolved = "\"unresolved\": " + to_json(composition.unresolved);
    return "{" + unresolved + ", \"ok\": " + to_json(Interpolator(composition.unresolved).resolve()) + "}";
  } catch (const Error& error) {
    const Problem& first = error.first();
    const json refusal = {{"error", first.kind}, {"message", first.message}, {"place", first.place}};
    const std::string text = refusal.dump(-1, ' ', false, json::error_handler_t::replace);
    return unresolved.empty() ? text : "{" + unresolved + ", " + text.substr(1);
  }
}

}  // namespace

std::string answer_case(const std::string& line, const std::filesystem::path& folder) {
  const json recorded = read_json(line, "case");
  if (!recorded.contains("expand")) return composed_answer(recorded, folder);
  json answer;
  try {
    answer["words"] = expand(parse_override(recorded["expand"].get<std::string>()));
  } catch (const Error& error) {
    answer = {{"error", error.first().kind}, {"message", error.first().message}};
  }
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace subband::config
