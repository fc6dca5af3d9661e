#include "sweeps/spec/inline.h"

#include "core/error.h"
#include "core/testing/catch.h"
#include "sweeps/spec/cells.h"

namespace inline_test {
using namespace subband;
using Words = std::vector<std::string>;

static std::vector<std::string> no_options(const std::string&) { return {}; }

static Words labels(const SweepSpec& spec) {
  Words names;
  for (const SweepRow& row : expand(spec).rows) names.push_back(row.label);
  return names;
}

TEST_CASE("every combination of an override's values is a row", "[sweep]") {
  const Words words = {"optimizer.lr=0.01,0.02", "trainer.steps=40", "net.layers=range(1,4)"};
  SweepSpec spec = spec_of_recipe("mine", "tiny/wavelet", {});
  CHECK(take_factors(spec, words, no_options) == Words{"trainer.steps=40"});
  CHECK(spec.name == "mine");
  CHECK(spec.base == "tiny/wavelet");
  CHECK(spec.metric == "valid.bpb");
  CHECK(labels(spec) == Words{"optimizer.lr=0.01, net.layers=1", "optimizer.lr=0.01, net.layers=2",
                              "optimizer.lr=0.01, net.layers=3", "optimizer.lr=0.02, net.layers=1",
                              "optimizer.lr=0.02, net.layers=2", "optimizer.lr=0.02, net.layers=3"});
}

TEST_CASE("parts, added keys and texts with commas are values like others", "[sweep]") {
  const Words words = {"optimizer=adamw,sgd", "+net.x=choice(1,'a,b')"};
  SweepSpec spec = spec_of_recipe("mine", "r", {});
  CHECK(take_factors(spec, words, no_options).empty());
  CHECK(expand(spec).rows[3].overrides == Words{"optimizer=sgd", "+net.x='a,b'"});
}

TEST_CASE("a glob chooses among the options of its group", "[sweep]") {
  const Words words = {"optimizer=glob(ad*)"};
  SweepSpec spec = spec_of_recipe("mine", "r", {});
  take_factors(spec, words, [](const std::string& group) {
    CHECK(group == "optimizer");
    return Words{"sgd", "adamw", "adagrad"};
  });
  CHECK(labels(spec) == Words{"optimizer=adagrad", "optimizer=adamw"});
}

TEST_CASE("keys of a spec change the spec", "[sweep]") {
  const Words seeds = {"seeds=[1,2]", "metric.goal=max"};
  const SweepSpec spec = spec_of_recipe("mine", "r", seeds);
  CHECK(spec.seeds == std::vector<int64_t>{1, 2});
  CHECK(spec.goal == "max");
  const Words wrong = {"seeds=1,2"};
  CHECK_THROWS_WITH(spec_of_recipe("mine", "r", wrong),
                    "override 1 (seeds=1,2): seeds: a sweep without a spec takes one value for this, as in "
                    "seeds=[1,2]");
}

TEST_CASE("values that cannot be written out are refused at their place", "[sweep]") {
  const Words words = {"a=1", "b=interval(0,1)"};
  SweepSpec spec = spec_of_recipe("mine", "r", {});
  CHECK_THROWS_WITH(
      take_factors(spec, words, no_options),
      "override 2 (b=interval(0,1)): an interval has no list of values; only a sampler draws from it");
}

}  // namespace inline_test
