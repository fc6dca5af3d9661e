#include "experiments/training/dry_run.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/config/yaml.h"
#include "core/files.h"
#include "core/tensors/device.h"
#include "core/testing/catch.h"
#include "experiments/load_recipe.h"
#include "experiments/parts.h"
#include "models/mixer.h"

namespace dry_run_test {

using namespace subband;

static constexpr int64_t kMost = 1'000'000;

static Recipe recipe_of(const Registry& registry, const std::string& text) {
  return bind_recipe(registry, "tried", config::parse_yaml(text, "tried.yaml"));
}

static std::string with_net(const std::string& net, const std::string& device = "cpu") {
  return "data: {type: text, name: none, splits: {train: {files: [none.txt]}, valid: {files: [none.txt]}}}\n"
         "net: " +
         net + "\ntrainer: {steps: 1, batch: 4, length: 256, device: " + device + "}\n";
}

TEST_CASE("a recipe whose first step works passes, in this process and in one of its own", "[dry_run]") {
  Registry registry;
  register_parts(registry);
  const Recipe recipe = recipe_of(registry, with_net("{type: decoder_lm, width: 16, layers: 1}"));
  CHECK(check_recipe(recipe, kMost));
  CHECK(!check_recipe(recipe, 10));  // too large: only its shapes
  CHECK(!check_recipe_apart(recipe, kMost));
}

TEST_CASE("a recipe for a device that is not here fails its check", "[dry_run]") {
  if (cuda_problem().empty()) return;
  Registry registry;
  register_parts(registry);
  CHECK_THROWS_WITH(
      check_recipe(recipe_of(registry, with_net("{type: decoder_lm, width: 16, layers: 1}", "cuda")), kMost),
      Catch::StartsWith("tried: a first step fails: trainer.device = cuda: "));
}

// What is computed without weights must be what is computed with them: whatever is registered has a first step there.
TEST_CASE("every bundled recipe and every mixer takes a first step in shapes alone", "[dry_run]") {
  Registry registry;
  register_parts(registry);
  const auto check = [&](const std::string& name, const std::vector<std::string>& overrides) {
    INFO(name << " " << (overrides.empty() ? "" : overrides.front()));
    CHECK_FALSE(check_recipe(load_recipe(registry, {.name = name, .overrides = overrides}), 0));
  };
  const auto folder = program_root() / "experiments/recipes";
  int recipes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.path().extension() != ".yaml") continue;
    check(std::filesystem::relative(file.path(), folder).replace_extension().generic_string(), {});
    ++recipes;
  }
  CHECK(recipes > 20);
  const std::set<std::string> see_all = {"fnet", "linformer", "nystromformer", "waveformer"};
  for (const std::string& mixer : registry.of<Mixer>().names())
    check(see_all.contains(mixer) ? "listops/attention" : "tinyshakespeare/attention",
          {"net.width=64", "net.mixer=" + mixer});
  for (const char* part : {"lifting=haar", "lifting=packet", "lifting=data_dependent", "transform=dct",
                           "transform=dht", "transform=butterfly", "transform=identity", "bypass=ema",
                           "bypass=none", "dilation=dyadic", "channel_mixers.fast_weight_memory={}"})
    check("tinyshakespeare/wavelet", {std::string("++net.block.") + part});
}

// A net that binds, and fails when it is asked for something.
class Refusing final : public Net {
 public:
  struct Config {
    std::string how = "shape";
    void bind(Binder& b) { b.choice("how", how, {"shape", "nan", "die"}, "how it fails"); }
  };
  Refusing(const Config& config, const NetContext& context) : how_(config.how) {
    weight_ = add_parameter("weight", at::ones({context.vocabulary}), {.role = Role::gain});
  }
  PartCosts costs(int64_t, int64_t) const override { return {}; }
  at::Tensor forward(const at::Tensor& ids_BL, const Pass&) override {
    if (how_ == "die") {
      std::signal(SIGABRT, SIG_DFL);  // Catch2 would report it, in a process that is not its own
      std::abort();
    }
    if (how_ == "shape") throw ShapeError("refusing", "ids: expected [*, 7], got [1, 64]");
    return weight_.div(0).expand({ids_BL.size(0), ids_BL.size(1), weight_.size(0)});
  }

 private:
  std::string how_;
  at::Tensor weight_;
};

TEST_CASE("a recipe that cannot take a step is refused with the part's own words", "[dry_run]") {
  Registry registry;
  register_parts(registry);
  registry.of<Net>().add<Refusing, Refusing::Config>({.name = "refusing"});
  const auto text = [](const std::string& how) { return with_net("{type: refusing, how: " + how + "}"); };
  CHECK_THROWS_WITH(check_recipe(recipe_of(registry, text("shape")), kMost),
                    "tried: a first step fails: refusing: ids: expected [*, 7], got [1, 64]");
  CHECK_THROWS_WITH(check_recipe(recipe_of(registry, text("nan")), kMost),
                    "tried: a first step fails: the loss is not finite");
  const auto problem = check_recipe_apart(recipe_of(registry, text("die")), kMost);
  REQUIRE(problem);
  CHECK(problem->line() == "tried: a first step fails: its process died by signal 6");
}

}  // namespace dry_run_test
