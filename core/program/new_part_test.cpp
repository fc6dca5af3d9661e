#include "core/program/new_part.h"

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "core/text.h"

namespace subband::new_part_test {

constexpr const char* kSource =
    "namespace subband::mixers::flat {\nclass FlatMixer final : public Mixer {};\n"
    "void add_to(MixerRegistry& r) { r.add<FlatMixer, Config>({.name = \"flat\"}); }\n}  // namespace flat\n";
constexpr const char* kLines =
    "subband_component(mixers flat)\nsubband_component(mixers wave)\nsubband_component(nets flat)\n";

static Catalogue catalogue() {
  Catalogue all;
  all.groups = {{"mixer", "models/mixers"}, {"net", "models/nets"}};
  all.kinds["mixer"] = {{"flat", {}}, {"wave", {}}};
  all.kinds["net"] = {{"flat", {}}};
  return all;
}

static void lay_out(const TestFolder& root) {
  write_file(root / "models/mixers/flat.cpp", kSource);
  write_file(root / "models/mixers/flat_test.cpp",
             "namespace flat_test { FlatMixer x; }  // \"[flat]\" inflate\n");
  write_file(root / "models/mixers/wave.cpp", std::string(kSource) + "// longer\n");
  write_file(root / "models/CMakeLists.txt", kLines);
}

TEST_CASE("a new part is a copy of the smallest one under its own name, with its test and its line",
          "[new_part]") {
  const TestFolder root;
  lay_out(root);
  const NewPart made = write_new_part(catalogue(), root.path(), "mixer", "my_mean");
  CHECK(made.pattern == "flat");
  CHECK(made.files.size() == 3);
  CHECK(read_file(root / "models/mixers/my_mean.cpp") ==
        "namespace subband::mixers::my_mean {\nclass MyMean final : public Mixer {};\n"
        "void add_to(MixerRegistry& r) { r.add<MyMean, Config>({.name = \"my_mean\"}); }\n}  // namespace "
        "my_mean\n");
  CHECK(read_file(root / "models/mixers/my_mean_test.cpp") ==
        "namespace my_mean_test { MyMean x; }  // \"[my_mean]\" inflate\n");
  CHECK(read_file(root / "models/CMakeLists.txt") ==
        "subband_component(mixers flat)\nsubband_component(mixers my_mean)\nsubband_component(mixers wave)\n"
        "subband_component(nets flat)\n");
}

TEST_CASE("a new part comes from the example of its kind where there is one", "[new_part]") {
  const TestFolder root;
  lay_out(root);
  write_file(root / "models/testing/new_mixer.cpp", "r.add<Example, Config>({.name = \"example\"});\n");
  CHECK(write_new_part(catalogue(), root.path(), "mixer", "a").pattern == "example");
  CHECK(read_file(root / "models/mixers/a.cpp") == "r.add<A, Config>({.name = \"a\"});\n");
  CHECK(read_file(root / "models/CMakeLists.txt").starts_with("subband_component(mixers a)\n"));
}

TEST_CASE("a new part keeps what its example includes and calls", "[new_part]") {
  const TestFolder root;
  lay_out(root);
  write_file(root / "models/testing/new_mixer.cpp",
             "#include \"core/flat/flat.h\"\nr.add<Flat, Config>({.name = \"flat\", .cost = subband::flat::cost()});\n");
  write_new_part(catalogue(), root.path(), "mixer", "a");
  CHECK(read_file(root / "models/mixers/a.cpp") ==
        "#include \"core/flat/flat.h\"\nr.add<A, Config>({.name = \"a\", .cost = subband::flat::cost()});\n");
}

TEST_CASE("a new part takes no name that will not do, and replaces nothing", "[new_part]") {
  const TestFolder root;
  lay_out(root);
  const auto make = [&](const char* kind, const char* name) {
    return write_new_part(catalogue(), root.path(), kind, name);
  };
  CHECK_THROWS_WITH(make("mixr", "a"),
                    "command line: mixr: unknown kind; did you mean 'mixer'? known: mixer, net");
  CHECK_THROWS_WITH(make("mixer", "My-Mean"),
                    "command line: name = My-Mean: must be small letters, digits and single _");
  CHECK_THROWS_WITH(make("mixer", "../a"),
                    "command line: name = ../a: must be small letters, digits and single _");
  CHECK_THROWS_WITH(make("mixer", "wave"), "command line: name = wave: there is a mixer of that name");
  write_file(root / "models/mixers/mine.cpp", "mine");
  CHECK_THROWS_WITH(make("mixer", "mine"), (root / "models/mixers/mine.cpp").string() + ": is there already");
  CHECK(read_file(root / "models/CMakeLists.txt") == kLines);
}

TEST_CASE("the source of a new part alone needs neither tests nor lines, and replaces nothing", "[new_part]") {
  const TestFolder root, outside;
  write_file(root / "models/mixers/flat.cpp", kSource);
  const auto make = [&] { return write_new_source(catalogue(), root.path(), "mixer", "my_mean", outside.path()); };
  const NewPart made = make();
  REQUIRE(made.files.size() == 1);
  CHECK(made.files[0] == outside / "my_mean.cpp");
  CHECK_THAT(read_file(made.files[0]), Catch::StartsWith("namespace subband::mixers::my_mean {\nclass MyMean "));
  CHECK_THROWS_WITH(make(), (outside / "my_mean.cpp").string() + ": is there already");
}

TEST_CASE("the page of the program shows the mixer that `subband new mixer` writes", "[new_part]") {
  std::string shown;
  for (const std::string& line : split(read_file(program_root() / "models/testing/new_mixer.cpp"), '\n'))
    shown += line.empty() ? "\n" : "    " + line + "\n";
  shown.pop_back();
  CHECK(read_file(program_root() / "README.md").find(shown) != std::string::npos);
}

}  // namespace subband::new_part_test
