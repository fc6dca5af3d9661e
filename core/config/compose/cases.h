// Whole compositions as data: one JSON object in, one JSON object out. The recorded answers of Hydra and the
// conformance check drive the language through this.
#pragma once
#include <filesystem>
#include <string>

namespace subband::config {

/// The answer to `{"files": {name: text}, "primary": "config", "overrides": […], "env": {name: text | null}}` under
/// Hydra's language alone: `{"unresolved": …, "ok": …}`, or `{"error": kind, "message", "place"}`, with `unresolved`
/// where only an interpolation failed. `{"expand": "k=range(3)"}` is answered by `{"words": […]}`.
/// The files are written to `folder`, which is emptied first; the environment is changed.
std::string answer_case(const std::string& line, const std::filesystem::path& folder);

}  // namespace subband::config
