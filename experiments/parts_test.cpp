#include "experiments/parts.h"

#include "core/config/yaml.h"
#include "core/program/catalogue.h"
#include "core/testing/catch.h"

namespace parts_test {

using namespace subband;
using config::Node;

TEST_CASE("every part's reference page is a config that binds to the same values", "[catalogue]") {
  Registry registry;
  register_parts(registry);
  const Catalogue catalogue = catalogue_of(registry);
  for (const auto& [kind_name, parts] : catalogue.kinds)
    for (const auto& [name, part] : parts) {
      CAPTURE(kind_name, name);
      const std::string text = reference_page(kind_name, part);
      const Node page = config::parse_yaml(text, name);
      BindSession session{.registry = &registry};
      Node resolved = Node::map();
      Binder binder(session, page, resolved);
      binder.take("type");
      binder.resolve("type", Node(name));
      registry.find(kind_name)->describe(name, binder);
      binder.finish_keys();
      CHECK(resolved == part.defaults);
      for (const Problem& problem : session.problems) {
        INFO(problem.line());
        CHECK(problem.kind != "unknown_key");
      }
      const Catalogue read = read_catalogue(catalogue_json(catalogue));
      CHECK(reference_page(kind_name, read.part(kind_name, name)) == text);
    }
}

}  // namespace parts_test
