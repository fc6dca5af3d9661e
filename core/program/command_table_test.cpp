#include "core/program/command_table.h"

#include "core/error.h"
#include "core/program/catalogue.h"
#include "core/testing/catch.h"

namespace subband::command_table_test {

static int paint(Arguments arguments) {
  CommandLine line("paint", "Paints.", "subband paint red");
  std::string colour, wanted;
  std::vector<std::string> more;
  int64_t layers = 1;
  line.words("COLOUR", colour, more, "which colour");
  line.app().add_option("--layers", layers, "how many");
  return line.run(arguments, [&] { return static_cast<int>(layers) + (colour == "red" ? 10 : 20); });
}

static int wash(Arguments, ChangedStore& changed) {
  changed.root = "brushes";
  return 0;
}

static int name(Arguments, const Catalogue& catalogue) { return static_cast<int>(catalogue.groups.size()); }

static CommandTable table() {
  return {{"paint", "paints", {"colour"}, paint}, {"wash", "washes", {}, wash}, {"name", "names", {}, name}};
}

TEST_CASE("a command is carried out with what it asks for", "[command]") {
  const CommandTable commands = table();
  Catalogue catalogue;
  catalogue.groups = {{"mixer", "models/mixers"}};
  std::string changed;
  const auto run = [&](const std::string& word, const std::vector<std::string>& arguments) {
    return run_command(*find_command(commands, word), arguments, catalogue,
                       [&](const ChangedStore& store) { changed = store.root.value_or("").string(); });
  };
  CHECK(run("paint", {"red", "--layers", "3"}) == 13);
  CHECK(run("name", {}) == 1);
  CHECK(changed.empty());
  CHECK(run("wash", {}) == 0);
  CHECK(changed == "brushes");
  CHECK(find_command(commands, "sell") == nullptr);
}

TEST_CASE("the catalogue has every command with the options that it declares", "[command]") {
  const auto commands = catalogue_commands({table().front()});
  CHECK(commands.front().options.at("") ==
        std::vector<std::string>{"--data", "--help", "--json", "--layers", "--parts", "--quiet", "--store"});
  CHECK(help_text(commands).find("\n  paint       paints\n") != std::string::npos);
  CHECK_THROWS_WITH(refuse_command("pant", commands),
                    "command line: pant: unknown command; did you mean 'paint'? known: paint");
}

}  // namespace subband::command_table_test
