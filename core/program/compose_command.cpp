#include "core/program/compose_command.h"

#include <unistd.h>

#include <fstream>
#include <iostream>

#include "core/config/compose/cases.h"
#include "core/config/interpolation.h"
#include "core/error.h"
#include "core/program/warn.h"

namespace subband {

int run_compose(Arguments arguments,
                const std::function<int(const ComposeWords&, const CommonOptions&)>& body) {
  CommandLine line(
      "compose",
      "The config of a recipe: every value with its default, as a run would see it.\n"
      "PRIMARY is a recipe's name or a .yaml file; overrides are a.b=c, +a=b, ++a=b, ~a, group=option.",
      "subband compose tinyshakespeare/wavelet net.block.lifting=haar --origins");
  ComposeWords words;
  line.words("PRIMARY", words.primary, words.overrides, "what to compose", /*required=*/false);
  line.config_dirs(words.folders);
  line.app().add_flag("--raw", words.raw,
                      "any tree of YAML files, bound to no parts; PRIMARY is a name in the folders");
  line.app().add_flag("--unresolved", words.unresolved, "interpolations as text, defaults of parts left out");
  line.app().add_flag("--origins", words.origins, "one line a value: who set it last");
  line.app().add_option(
      "--cases", words.cases,
      "with --raw: a file of one JSON object a line, each a whole composition; one answer a line");
  return line.run(arguments, [&] {
    if (words.primary.empty() && words.cases.empty())
      throw ConfigError("command line", "PRIMARY is missing: what to compose", "syntax");
    return body(words, line.options());
  });
}

void print_composed(const config::Node& tree, const config::Warnings& warnings, const ComposeWords& words,
                    const CommonOptions& options) {
  if (!options.quiet)
    warn(warnings);
  if (options.json)
    std::cout << config::to_json(tree) << "\n";
  else if (words.origins)
    std::cout << config::origins_text(tree);
  else
    std::cout << config::to_yaml(words.unresolved ? tree : config::literal(tree));
}

// Many compositions in one process: what a comparison with another program needs.
static int answer_cases(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw Error(file.string(), "cannot be read");
  const auto folder =
      std::filesystem::temp_directory_path() / ("subband_cases_" + std::to_string(::getpid()));
  std::string line;
  while (std::getline(in, line))
    if (!line.empty())
      std::cout << config::answer_case(line, folder) << std::endl;  // who asks may wait for it
  std::filesystem::remove_all(folder);
  return 0;
}

int command_compose_raw(Arguments arguments) {
  return run_compose(arguments, [](const ComposeWords& words, const CommonOptions& options) {
    if (!words.cases.empty()) return answer_cases(words.cases);
    config::ComposeRequest request{.primary = words.primary, .overrides = words.overrides, .raw = true};
    for (const auto& folder : words.folders) request.folders.push_back({"", folder});
    if (request.folders.empty()) request.folders.push_back({"", "."});
    const auto composition =
        words.unresolved ? config::compose_unresolved(request) : config::compose(request);
    print_composed(composition.config, composition.warnings, words, options);
    return 0;
  });
}

}  // namespace subband
