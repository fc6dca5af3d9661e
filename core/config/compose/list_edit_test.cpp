#include "core/config/compose/list_edit.h"

#include <filesystem>
#include <fstream>

#include "core/config/compose.h"
#include "core/error.h"
#include "core/testing/catch.h"

namespace list_edit_test {

using namespace subband;

// `config.yaml` lies over `base.yaml`, which holds one list and a reference to it.
static config::Composition edited(const std::string& text, std::vector<std::string> words = {}) {
  const auto folder = std::filesystem::temp_directory_path() / ("subband_edits_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "base.yaml") << "l: [a, b, 3]\nr: ${l}\n";
  std::ofstream(folder / "config.yaml") << "defaults: [base, _self_]\n" << text;
  config::ComposeRequest request{.primary = "config", .overrides = std::move(words), .raw = true};
  request.folders = {{"", folder, "TREE"}};
  return config::compose(request);
}

static std::string list_of(const std::string& text, std::vector<std::string> words = {}) {
  return config::to_json(*edited(text, std::move(words)).config.find("l"));
}

TEST_CASE("a map of edits in a file changes the list below it", "[config]") {
  CHECK(list_of("l: {_append_: [c, d]}\n") == R"(["a", "b", 3, "c", "d"])");
  CHECK(list_of("l: {_prepend_: [x, y]}\n") == R"(["x", "y", "a", "b", 3])");
  CHECK(list_of("l: {_insert_: {1: x, 4: y}}\n") == R"(["a", "x", "b", 3, "y"])");
  CHECK(list_of("l: {_remove_: [a, 3.0]}\n") == R"(["b"])");
  CHECK(list_of("l: {_append_: [z], _remove_: [b], _prepend_: [x], _insert_: {1: y}}\n") ==
        R"(["x", "y", "a", 3, "z"])");
  CHECK(config::to_json(edited("r: {_append_: [c]}\n").config) ==
        R"({"l": ["a", "b", 3], "r": ["a", "b", 3, "c"]})");
}

TEST_CASE("an override changes a list in the same ways", "[config]") {
  CHECK(list_of("", {"l=append(c,[d])"}) == R"(["a", "b", 3, "c", ["d"]])");
  CHECK(list_of("", {"l=prepend(x,y)"}) == R"(["x", "y", "a", "b", 3])");
  CHECK(list_of("", {"l=insert(1,x)"}) == R"(["a", "x", "b", 3])");
  CHECK(list_of("", {"l=remove(b,a)"}) == R"([3])");
  CHECK(list_of("l: {_append_: [c]}\n", {"l=remove(c)"}) == R"(["a", "b", 3])");
}

TEST_CASE("an edit that the list cannot take is refused", "[config]") {
  CHECK_THROWS_WITH(list_of("l: {_remove_: [zz]}\n"),
                    "TREE/config.yaml:2:15: l = [\"a\", \"b\", 3]: has no item zz");
  CHECK_THROWS_WITH(list_of("l: {_insert_: {4: x}}\n"),
                    "TREE/config.yaml:2:16: l: cannot insert at 4 in a list of 3");
  CHECK_THROWS_WITH(list_of("l: {_insert_: {a: x}}\n"), "TREE/config.yaml:2:16: l._insert_: 'a' is no index");
  CHECK_THROWS_WITH(list_of("l: {_append_: c}\n"),
                    "TREE/config.yaml:2:15: l._append_ = c: expected a list of items");
  CHECK_THROWS_WITH(list_of("l: {_append_: [c], x: 1}\n"),
                    "TREE/config.yaml:2:4: l: a map cannot replace the list of TREE/base.yaml:1:4");
}

TEST_CASE("an override given twice is a warning that names both", "[config]") {
  const auto composition = edited("", {"l=[1]", "l=[2]"});
  CHECK(config::to_json(*composition.config.find("l")) == "[2]");
  CHECK(composition.warnings ==
        config::Warnings{"override 2 (l=[2]): l: override 1 (l=[1]) set it too; the last wins"});
  CHECK(edited("", {"l.0=1", "l.1=2", "l=append(3)", "l=append(4)"}).warnings.empty());
}

}  // namespace list_edit_test
