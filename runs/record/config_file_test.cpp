#include "runs/record/config_file.h"

#include "core/config/interpolation.h"
#include "core/config/yaml.h"
#include "core/testing/catch.h"
#include "runs/record/record_writer.h"

namespace subband::config_file_test {

using config::Node;

TEST_CASE("config.yaml composes to the values of the run, whatever they, the recipe and its words hold",
          "[config_file]") {
  Node resolved = Node::map();
  resolved.set_at("sample.prompt", Node("two\nlines, \x7F, \xE2\x80\xA8 and a literal ${x} or \\${x}"));
  Node rate(1e-5);
  rate.place = {std::make_shared<const std::string>("override 1 (a='x\ny: 2')"), 0, 0};
  resolved.set_at("optimizer.lr", rate);
  const RunStart start{.id = "0123", .recipe = "mine\nseed: 2", .seed = 7};
  const std::string text = config_file_text(start, resolved);
  INFO(text);
  CHECK(text.starts_with("# mine\\nseed: 2, seed 7\n# identity 0123\nsample:\n"));
  CHECK(config::Interpolator(config::parse_yaml(text, "config.yaml")).resolve() == resolved);
}

}  // namespace subband::config_file_test
