#include "analysis/format.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "core/error.h"
#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

static Registry all_formats() {
  Registry registry;
  register_analysis_parts(registry);
  return registry;
}

std::vector<std::string> format_names() { return all_formats().of<Format>().names(); }

FormatContext standard_output() {
  const auto columns = terminal_columns(STDOUT_FILENO);
  const char *refused = std::getenv("NO_COLOR"), *terminal = std::getenv("TERM");
  const bool is_dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return {.columns = columns.value_or(SIZE_MAX),
          .has_colour = columns && !is_dumb && (refused == nullptr || *refused == '\0')};
}

std::shared_ptr<Format> make_format(const std::string& name, const FormatContext& context) {
  Registry registry = all_formats();
  const FormatRegistry& formats = registry.of<Format>();
  const auto* entry = formats.find(name);
  if (entry == nullptr)
    throw ConfigError("command line",
                      "--format = " + name + ": unknown format" + suggestion(name, formats.names()),
                      "bad_value");
  const config::Node nothing = config::Node::map();
  config::Node resolved;
  BindSession session;
  Binder binder(session, nothing, resolved);
  const std::any config = entry->bind(binder, context);
  session.finish();
  return entry->make(config, context);
}

}  // namespace subband
