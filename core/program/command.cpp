#include "core/program/command.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/languages/json.h"
#include "core/languages/terminal.h"
#include "core/program/own_parts_option.h"
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

void set_own_parts(const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& file : files)
    all += (all.empty() ? "" : ":") + std::filesystem::absolute(file).lexically_normal().string();
  ::setenv("SUBBAND_PARTS", all.c_str(), /*overwrite=*/1);
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
  app_.add_option_function<std::vector<std::string>>("--parts", set_own_parts,
                                                     "a part of one's own, as subband build-part makes it, in place of "
                                                     "$SUBBAND_PARTS; may be repeated")
      ->allow_extra_args(false);
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

// Every `--name` of an app and of its subcommands.
static void add_options(const CLI::App& app, std::set<std::string>& names) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.insert("--" + name);
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; }))
    add_options(*below, names);
}

void CommandLine::words(const std::string& name, std::string& first, std::vector<std::string>& rest,
                        const std::string& help, bool required) {
  first_ = &first, rest_ = &rest, words_required_ = required;
  const size_t others = name.find("_AND_");  // `MODEL_AND_PROMPTS`: says itself what the others are
  words_name_ = name.substr(0, others), words_help_ = help;
  if (others != std::string::npos)
    app_.add_option(name, shown_, help);
  else
    app_.add_option(name + "_AND_OVERRIDES", shown_, help + ", and what to change in it");
}

void CommandLine::config_dirs(std::vector<std::filesystem::path>& folders) {
  folders_ = &folders;
  app_.add_option("--config-dir", folders,
                  "another folder to search, after the program's own; may be repeated")
      ->allow_extra_args(false);
}

// What is left for the option parser.
std::vector<std::string> CommandLine::take_words(Arguments arguments) {
  if (first_ == nullptr) return {arguments.begin(), arguments.end()};
  std::vector<std::string> flags;
  bool only_words = false, has_first = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!only_words && word == "--") {
      only_words = true;
    } else if (!only_words && word.size() > 1 && word.front() == '-') {
      flags.push_back(word);
      const CLI::Option* option = app_.get_option_no_throw(word);
      int values = option == nullptr ? 0 : option->get_items_expected_min();
      if (option != nullptr && values == 0 && option->get_items_expected_max() > 0)  // a value that may be left out
        values = has_first && i + 1 < arguments.size() && !arguments[i + 1].starts_with('-');
      for (; values > 0 && i + 1 < arguments.size(); --values) flags.push_back(arguments[++i]);
    } else if (!has_first) {
      *first_ = word, has_first = true;
    } else {
      rest_->push_back(word);
    }
  }
  return flags;
}

void CommandLine::check_words() const {
  if (words_required_ && first_->empty())
    throw ConfigError("command line", words_name_ + " is missing: " + words_help_, "syntax");
  if (folders_ == nullptr) return;
  for (const auto& folder : *folders_)
    if (!std::filesystem::is_directory(folder)) throw Error(folder.string(), "no such folder");
}

int CommandLine::run(Arguments arguments, const std::function<int()>& body) {
  if (!arguments.empty() && arguments.back() == kAsksOptions) {
    std::set<std::string> names;
    add_options(app_, names);
    throw DeclaredOptions{{names.begin(), names.end()}};
  }
  try {
    std::vector<std::string> options = take_words(arguments);
    std::ranges::reverse(options);
    app_.parse(std::move(options));
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
    check_words();
    return body();
  } catch (const Error& error) {
    return report(error, options_.json);
  } catch (const std::exception& unexpected) {  // LibTorch's own errors and exhausted memory
    std::string line = unexpected.what();
    return report(Error(app_.get_name(), line.substr(0, line.find('\n'))), options_.json);
  }
}

}  // namespace subband
