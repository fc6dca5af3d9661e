#include "core/program/command.h"

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/text.h"

namespace subband {

CLI::Validator above_zero() {
  const auto check = [](const std::string& word) {
    double number = 0;
    const bool is_above = CLI::detail::lexical_cast(word, number) && number > 0;
    return is_above ? std::string() : word + ": must be a number above 0";
  };
  return {check, "POSITIVE"};
}

CommandLine::CommandLine(const std::string& name, const std::string& summary, const std::string& example)
    : app_(summary, "subband " + name) {
  app_.footer("Example\n  " + example);
  app_.add_flag("--json", options_.json, "print one JSON document on stdout, everything else on stderr");
  app_.add_flag("--quiet", options_.quiet, "no progress");
  app_.add_option_function<std::string>(
      "--data",
      [](const std::string& folder) {
        ::setenv("SUBBAND_DATA", std::filesystem::absolute(folder).c_str(), /*overwrite=*/1);
      },
      "folder of your own data files, in place of $SUBBAND_DATA");
  app_.add_option("--store", options_.store, "folder where runs are kept")->capture_default_str();
}

static int report(const Error& error, bool json) {
  if (json) {
    const Problem& first = error.first();
    nlohmann::ordered_json problem = {
        {"kind", first.kind}, {"message", first.message}, {"place", first.place}};
    if (error.problems().size() > 1) {
      for (const Problem& each : error.problems())
        problem["all"].push_back({{"kind", each.kind}, {"message", each.message}, {"place", each.place}});
    }
    std::cout << json_document({{"error", problem}}) << "\n";
  } else {
    std::cerr << error_lines(error);
  }
  return error.exit_code();
}

// The first word that looks like an option and is none.
std::optional<std::string> CommandLine::unknown_option() const {
  std::vector<std::string> known;
  for (const CLI::Option* option : app_.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (const std::string& word : app_.remaining(true))
    if (word.starts_with("--") && word.size() > 2) {
      const std::string name = word.substr(0, word.find('='));
      const auto near = nearest(name, known);
      return name + ": unknown option" + (near ? "; did you mean '" + *near + "'?" : "");
    }
  return std::nullopt;
}

int CommandLine::run(Arguments arguments, const std::function<int()>& body) {
  try {
    app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    std::cout << app_.help();
    return 0;
  } catch (const CLI::ParseError& wrong) {
    const bool json = std::ranges::find(arguments, "--json") != arguments.end();
    const std::string message = unknown_option().value_or(wrong.what());
    return report(ConfigError("command line", message + "; see " + app_.get_name() + " --help", "syntax"),
                  json);
  }
  try {
    return body();
  } catch (const Error& error) {
    return report(error, options_.json);
  } catch (const std::exception& unexpected) {  // LibTorch's own errors and exhausted memory
    std::string line = unexpected.what();
    return report(Error(app_.get_name(), line.substr(0, line.find('\n'))), options_.json);
  }
}

}  // namespace subband
