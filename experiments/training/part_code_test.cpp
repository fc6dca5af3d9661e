#include "experiments/training/part_code.h"

#include <set>

#include "core/files.h"
#include "core/source_code.h"
#include "core/testing/catch.h"
#include "experiments/parts.h"
#include "experiments/training/procedure.h"

namespace part_code_test {

using namespace subband;

TEST_CASE("the build knows the code of every part", "[part_code]") {
  Registry registry;
  register_parts(registry);
  const PartCode code = built_part_code();
  std::set<std::string> digests;
  for (const std::string& kind : registry.kinds()) {
    if (kind == Procedure::kKind) continue;
    for (const std::string& name : registry.find(kind)->names()) {
      const auto found = code.find(kind + ":" + name);
      REQUIRE(found != code.end());
      CHECK(found->second.size() == 16);
      digests.insert(found->second);
    }
  }
  CHECK(digests.size() == code.size());  // no two parts are the same code
  CHECK(code.at("mixer:fnet") == SourceCode(program_root()).digest("models/mixers/fnet.cpp"));
}

TEST_CASE("the code of some parts is that of those that have sources", "[part_code]") {
  const PartCode code = part_code({{"mixer:fnet", 1}, {"procedure:training", 1}});
  CHECK(code == PartCode{{"mixer:fnet", built_part_code().at("mixer:fnet")}});
}

}  // namespace part_code_test
