// What real readers see of what our writers wrote: Python's for HTML, CSV and XML, GitHub's cmark-gfm for Markdown.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/testing/process.h"

namespace subband::testing {

/// Whether the reader is there; says why a test is skipped where it is not.
inline bool has_reader(const std::string& kind) {
  const std::string tool = kind == "gfm" ? "cmark-gfm" : "python3";
  const TestFolder folder;
  const auto has = [&](const std::string& name) {
    return Process::of({"sh", "-c", "command -v " + name}, {.out = folder / "out", .err = folder / "err"})
               .wait() == 0;
  };
  if (has("python3") && has(tool)) return true;
  WARN("skipped: " << tool << " is not installed");
  return false;
}

/// `kind`: html, gfm, csv, svg. See read_back.py.
inline nlohmann::json read_back(const std::string& kind, const std::string& text) {
  const TestFolder folder;
  write_file(folder / "text", text);
  const auto script = program_root() / "core/testing/read_back.py";
  const int code = Process::of({"python3", script.string(), kind, (folder / "text").string()},
                               {.out = folder / "out", .err = folder / "err"})
                       .wait();
  INFO(read_file(folder / "err"));
  REQUIRE(code == 0);
  return nlohmann::json::parse(read_file(folder / "out"));
}

inline std::vector<std::string> cells_read_back(const std::string& kind, const std::string& text) {
  return read_back(kind, text)["cells"].get<std::vector<std::string>>();
}

}  // namespace subband::testing
