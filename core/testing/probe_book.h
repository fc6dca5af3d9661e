// Stored answers of parts, by which a test tells that arithmetic moved although a version did not.
//   {"mixer:wersa": {"version": 1, "cases": {"causal": [0.25, -1.5]}}}
// A probe is a few numbers that every step of a part's forward and backward enters. SUBBAND_PROBES=write (`make probes`)
// stores those of now.
#pragma once
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/json.h"

namespace subband::testing {

class ProbeBook {
 public:
  static bool is_writing() {
    const char* mode = std::getenv("SUBBAND_PROBES");
    return mode != nullptr && std::string(mode) == "write";
  }

  explicit ProbeBook(std::filesystem::path file) : file_(std::move(file)) {
    if (std::filesystem::exists(file_)) stored_ = read_json(read_file(file_), file_.string());
  }

  /// Notes what a case of a part gives now. Empty where it is what was stored under this version, else what to do.
  std::string verdict(const std::string& part, int version, const std::string& name,
                      const std::vector<double>& values) {
    found_[part]["version"] = version;
    found_[part]["cases"][name] = values;
    if (!stored_.contains(part)) return part + ": no probe is stored; make probes";
    const Json& stored = stored_[part];
    if (stored["version"] != version)
      return part + ": has version " + std::to_string(version) + ", its probes are of version " +
             stored["version"].dump() + "; make probes";
    if (!stored["cases"].contains(name)) return part + ", " + name + ": no probe is stored; make probes";
    if (is_near(stored["cases"][name].get<std::vector<double>>(), values)) return "";
    return part + ", " + name + ": arithmetic moved and version " + std::to_string(version) +
           " did not: raise it in the part's add_to, then make probes; found " + Json(values).dump() +
           ", stored " + stored["cases"][name].dump();
  }

  /// What is stored of parts and cases that nobody asked about.
  std::vector<std::string> idle() const {
    std::vector<std::string> names;
    for (const auto& [part, entry] : stored_.items())
      for (const auto& [name, values] : entry["cases"].items())
        if (!found_.contains(part) || !found_.at(part)["cases"].contains(name))
          names.push_back(part + ", " + name);
    return names;
  }

  /// One part a line, in the order of the names.
  void write() const {
    std::string text = "{\n";
    for (const auto& [part, entry] : found_)
      text += (text.size() > 2 ? ",\n" : "") + Json(part).dump() + ": " + entry.dump();
    write_file(file_, text + "\n}\n");
  }

 private:
  static bool is_near(const std::vector<double>& stored, const std::vector<double>& now) {
    if (stored.size() != now.size()) return false;
    for (size_t i = 0; i < now.size(); ++i)
      if (!(std::abs(now[i] - stored[i]) <= 1e-8 * std::max(1.0, std::abs(stored[i])))) return false;
    return true;
  }

  std::filesystem::path file_;
  Json stored_ = Json::object();
  std::map<std::string, Json> found_;
};

}  // namespace subband::testing
