#include "analysis/format.h"

#include "core/error.h"
#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("every format has an extension of its own and writes an empty report", "[format]") {
  std::vector<std::string> extensions;
  for (const std::string& name : format_names()) {
    const auto format = make_format(name);
    extensions.push_back(format->extension());
    CHECK_NOTHROW(format->write({}));
  }
  CHECK(format_names() == std::vector<std::string>{"csv", "html", "json", "latex", "md", "text"});
  CHECK(extensions == std::vector<std::string>{".csv", ".html", ".json", ".tex", ".md", ".txt"});
}

TEST_CASE("an unknown format is refused with the known ones", "[format]") {
  CHECK_THROWS_WITH(make_format("cvs"),
                    "command line: --format = cvs: unknown format; did you mean 'csv'? "
                    "known: csv, html, json, latex, md, text");
}
