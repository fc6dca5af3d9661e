#include "core/slot.h"
#include "core/testing/catch.h"
#include "sweeps/launcher.h"

namespace subband::slurm_launcher_test {

TEST_CASE("the launcher slurm is made by name, with its fields", "[launcher]") {
  Registry registry;
  register_sweeps_parts(registry);
  config::Node spec = config::Node::map();
  spec.set("type", config::Node("slurm")), spec.set("jobs", config::Node(int64_t{3}));
  spec.set("account", config::Node("lab"));
  CHECK(make_part<Launcher>(registry, spec)->room({}).jobs == 3);
  spec.set("accuont", config::Node("lab"));
  CHECK_THROWS_WITH(make_part<Launcher>(registry, spec),
                    Catch::ContainsSubstring("launcher.accuont: unknown key"));
}

}  // namespace subband::slurm_launcher_test
