// How a report is written: one part of kind `format` for each language.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "analysis/report.h"
#include "core/registry.h"

namespace subband {

struct FormatContext {
  size_t columns = 100;     ///< of the terminal that shows the report
  bool has_colour = false;  ///< whether it is shown in colour
};

class Format {
 public:
  static constexpr const char* kKind = "format";
  using Context = FormatContext;
  virtual ~Format() = default;
  /// Of files in this format: `.md`.
  virtual std::string extension() const = 0;
  /// The whole report, ending with a line end. Never fails.
  virtual std::string write(const Report& report) const = 0;
};
using FormatRegistry = KindRegistry<Format>;

/// Adds the parts of this folder.
void register_analysis_parts(Registry& registry);

/// Names of all formats, sorted.
std::vector<std::string> format_names();
/// How standard output shows a report: not cut where it is no terminal, in colour where it is one and NO_COLOR is not set.
FormatContext standard_output();
/// ConfigError for a name that is no format.
std::shared_ptr<Format> make_format(const std::string& name, const FormatContext& context = {});

}  // namespace subband
