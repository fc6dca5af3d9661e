#include "core/source_code.h"

#include <filesystem>

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"

namespace source_code_test {

using namespace subband;
namespace fs = std::filesystem;

TEST_CASE("code alone has no comments and keeps its texts", "[source_code]") {
  CHECK(code_alone("int a;  // one\n\n/* two\n three */ int b;\n") == "int a; int b;");
  CHECK(code_alone("f(\"// no comment\", '\"', 1'000'000); // a\n") == "f(\"// no comment\", '\"', 1'000'000);");
  CHECK(code_alone("R\"x(a // b\n)x\" /**/ + 1") == "R\"x(a // b\n)x\" + 1");
  CHECK(code_alone("\"a\\\"// b\" // c") == "\"a\\\"// b\"");
}

// A part, a header of models with its source beside it, and one of core that does not count.
static void write_tree(const fs::path& root) {
  write_file(root / "models/mixers/mean.cpp",
             "#include \"models/sum.h\"\n#include \"core/config/binder.h\"\nint mean() { return sum() / 2; }\n");
  write_file(root / "models/sum.h", "int sum();\n");
  write_file(root / "models/sum.cpp", "#include \"models/sum.h\"\nint sum() { return 4; }\n");
  write_file(root / "models/mixers/other.cpp", "int other() { return 1; }\n");
  write_file(root / "core/config/binder.h", "int bind();\n");
}

TEST_CASE("a digest is that of a source and of what it reaches, and of nothing else", "[source_code]") {
  const TestFolder folder;
  for (const char* each : {"models/mixers", "core/config"}) fs::create_directories(folder.path() / each);
  write_tree(folder.path());
  const auto digest = [&] { return SourceCode(folder.path()).digest("models/mixers/mean.cpp"); };
  const std::string before = digest();
  CHECK(before.size() == 16);
  SourceCode sources(folder.path());
  CHECK(sources.digest("models/mixers/other.cpp") != before);

  write_file(folder.path() / "models/sum.h", "// says more\nint sum();\n");
  write_file(folder.path() / "core/config/binder.h", "int bind(int);\n");
  write_file(folder.path() / "models/mixers/other.cpp", "int other() { return 2; }\n");
  CHECK(digest() == before);
  write_file(folder.path() / "models/sum.cpp", "#include \"models/sum.h\"\nint sum() { return 5; }\n");
  CHECK(digest() != before);  // the source beside a header is the header's meaning
}

TEST_CASE("headers count with all that they include, their sources do not", "[source_code]") {
  const TestFolder folder;
  for (const char* each : {"models/mixers", "core/config"}) fs::create_directories(folder.path() / each);
  write_tree(folder.path());
  write_file(folder.path() / "models/mixer.h", "#include \"core/config/binder.h\"\n#include <vector>\nint mix();\n");
  const auto digest = [&] { return SourceCode(folder.path()).digest_of_headers({"models/mixer.h"}); };
  const std::string before = digest();
  write_file(folder.path() / "models/sum.cpp", "int sum() { return 6; }\n");
  CHECK(digest() == before);
  write_file(folder.path() / "core/config/binder.h", "int bind(long);\n");
  CHECK(digest() != before);
}

TEST_CASE("a source of one's own counts with what it includes from beside it", "[source_code]") {
  const TestFolder folder;
  write_file(folder.path() / "mine.cpp", "#include \"models/mixer.h\"\n#include \"mine.h\"\nint mine() { return 1; }\n");
  write_file(folder.path() / "mine.h", "int mine();\n");
  const std::string before = digest_of_own_source(folder.path() / "mine.cpp");
  write_file(folder.path() / "mine.cpp",
             "#include \"models/mixer.h\"\n#include \"mine.h\"\nint mine() { return 1; }  // one\n");
  CHECK(digest_of_own_source(folder.path() / "mine.cpp") == before);
  write_file(folder.path() / "mine.h", "int mine(int);\n");
  CHECK(digest_of_own_source(folder.path() / "mine.cpp") != before);
}

TEST_CASE("the files that a digest was made of are known, for the build", "[source_code]") {
  const TestFolder folder;
  for (const char* each : {"models/mixers", "core/config"}) fs::create_directories(folder.path() / each);
  write_tree(folder.path());
  SourceCode sources(folder.path());
  (void)sources.digest("models/mixers/mean.cpp");
  CHECK(sources.files() == std::vector<std::string>{"models/mixers/mean.cpp", "models/sum.cpp", "models/sum.h"});
  CHECK_THROWS_AS(sources.digest("models/mixers/none.cpp"), Error);
}

}  // namespace source_code_test
