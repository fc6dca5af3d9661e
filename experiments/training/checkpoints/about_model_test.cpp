#include "experiments/training/checkpoints/about_model.h"

#include <nlohmann/json.hpp>

#include "core/config/yaml.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/parts.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/checkpoints/checkpoint.h"
#include "experiments/training/checkpoints/start_weights.h"

namespace about_model_test {

using namespace subband;
using config::Node;
namespace fs = std::filesystem;

static const Registry& all_of_them() {
  static const Registry registry = [] {
    Registry made;
    register_parts(made);
    return made;
  }();
  return registry;
}

static Recipe with_pieces(const std::string& model) {
  return bind_recipe(all_of_them(), "pieces",
                     config::parse_yaml("data: {type: own_text, files: [none.txt]}\n"
                                        "tokenizer: {type: sentencepiece, model: '" + model + "', pieces: 120}\n"
                                        "net: {type: decoder_lm, width: 16, layers: 1}\n"
                                        "trainer: {steps: 1, length: 8}\n",
                                        "pieces.yaml"));
}

TEST_CASE("a checkpoint says what its parameters are for and which tokeniser made the ids", "[about_model]") {
  const TestFolder folder;
  const Recipe recipe = bind_recipe(testing::tiny_parts(), "tiny", testing::tiny_config());
  write_checkpoint(folder / "a.safetensors", fresh_checkpoint(recipe, model_tensors(*make_net(recipe))));
  const AboutModel about = read_checkpoint(folder / "a.safetensors").about;
  CHECK(read_json(about.at("roles"), "roles") == Json({{"embedding", "embedding"}, {"out", "head"}, {"unused", "gain"}}));
  CHECK(about.at("tokenizer") == sha256_hex("letters"));
  CHECK_FALSE(about.contains("tokenizer_model"));
}

TEST_CASE("what a tokeniser has learnt comes along, and serves where its file does not", "[about_model]") {
  const TestFolder folder;
  const fs::path model = folder / "learnt.model", file = folder / "a.safetensors";
  fs::copy_file(program_root() / "experiments/testdata/small_pieces.model", model);
  const Recipe recipe = with_pieces(model.string());
  const std::string fingerprint = make_tokenizer(recipe)->fingerprint();
  write_checkpoint(file, fresh_checkpoint(recipe, model_tensors(*make_net(recipe))));
  const auto tokenizer_read = [&] {
    const Checkpoint read = read_checkpoint(file);
    const auto net = restore_net(all_of_them(), read);
    return make_tokenizer(bind_recipe(all_of_them(), read.recipe, read.config))->fingerprint();
  };
  CHECK(*read_checkpoint(file).config.at("tokenizer.model") == Node(model.string()));  // it is here
  CHECK(tokenizer_read() == fingerprint);
  write_file(model, "another one");
  CHECK(read_checkpoint(file).config.at("tokenizer.model")->string().starts_with("inline:"));
  CHECK(tokenizer_read() == fingerprint);
  fs::remove(model);
  CHECK(tokenizer_read() == fingerprint);
}

TEST_CASE("a net whose vocabulary is known is kept without the tokeniser's file", "[about_model]") {
  const AboutModel about = about_model(with_pieces("not/there.model"));
  CHECK(about.contains("roles"));
  CHECK_FALSE(about.contains("tokenizer"));
}

TEST_CASE("a checkpoint of a run that began with other weights needs them no more", "[about_model]") {
  const TestFolder folder;
  const Recipe first = bind_recipe(testing::tiny_parts(), "tiny", testing::tiny_config());
  const std::string earlier = (folder / "earlier.safetensors").string(), file = (folder / "a.safetensors").string();
  write_checkpoint(earlier, fresh_checkpoint(first, model_tensors(*make_net(first))));
  Node config = testing::tiny_config();
  config.set_at("trainer.weights", Node(earlier));
  const Recipe second = bind_recipe(testing::tiny_parts(), "tiny", config);
  write_checkpoint(file, fresh_checkpoint(second, model_tensors(*make_net(second))));
  fs::remove(earlier);
  const Checkpoint read = read_checkpoint(file);
  CHECK_NOTHROW(restore_net(testing::tiny_parts(), read));
  const Recipe again = bind_recipe(testing::tiny_parts(), "tiny", read.config);
  CHECK(trajectory_id(again) == trajectory_id(second));
  const std::string digest = second.identity.at("trainer.weights")->string();
  CHECK_THROWS_WITH(load_start_weights(*make_net(again), again),
                    "trainer.weights: sha256:" + digest + ": is a digest; name the checkpoint that has it");
}

TEST_CASE("weights made for another tokeniser of the same size are refused", "[about_model]") {
  const Recipe recipe = bind_recipe(testing::tiny_parts(), "tiny", testing::tiny_config());
  Checkpoint checkpoint = fresh_checkpoint(recipe, model_tensors(*make_net(recipe)));
  checkpoint.about["tokenizer"] = std::string(64, '0');
  CHECK_THROWS_WITH(restore_net(testing::tiny_parts(), checkpoint),
                    "checkpoint: tokenizer = 000000000000: the one at hand is " + sha256_hex("letters").substr(0, 12) +
                        "; the weights were made for another");
}

}  // namespace about_model_test
