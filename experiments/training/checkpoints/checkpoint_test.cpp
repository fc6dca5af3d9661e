#include "experiments/training/checkpoints/checkpoint.h"

#include <ATen/ATen.h>

#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/checkpoints/named_checkpoint.h"

namespace checkpoint_test {
using namespace subband;
namespace fs = std::filesystem;

Checkpoint example(int64_t step, const Recipe& recipe) {
  Checkpoint checkpoint{.config = recipe.resolved,
                        .recipe = "tiny",
                        .trajectory = trajectory_id(recipe),
                        .vocabulary = 27,
                        .step = step,
                        .tokens = 24 * step,
                        .seconds = 1.5};
  for (const auto& [name, tensor] : model_tensors(*make_net(recipe)))
    checkpoint.tensors["model/" + name] = tensor;
  return checkpoint;
}

Recipe tiny_recipe() { return bind_recipe(testing::tiny_parts(), "tiny", testing::tiny_config()); }

TEST_CASE("a checkpoint reads back as it was written", "[checkpoint]") {
  const TestFolder folder;
  const Registry registry = testing::tiny_registry();
  const Recipe recipe = bind_recipe(registry, "tiny", testing::tiny_config());
  const Checkpoint written = example(7, recipe);
  write_checkpoint(folder.path() / checkpoint_name(7), written);
  const Checkpoint read = read_checkpoint(folder.path());
  CHECK(digest(read.tensors) == digest(written.tensors));
  CHECK(read.config == recipe.resolved);
  CHECK(read.recipe == "tiny");
  CHECK(read.trajectory == written.trajectory);
  CHECK(read.vocabulary == 27);
  CHECK(read.step == 7);
  CHECK(read.tokens == 168);
  CHECK(read.seconds == 1.5);
  CHECK(digest(model_tensors(*restore_net(registry, read))) == digest(model_tensors(*make_net(recipe))));
}

TEST_CASE("damaged checkpoints are passed over, and a named one is refused", "[checkpoint]") {
  const TestFolder folder;
  const Recipe recipe = tiny_recipe();
  for (const int64_t step : {2, 4, 6})
    write_checkpoint(folder.path() / checkpoint_name(step), example(step, recipe));
  const fs::path cut = folder.path() / checkpoint_name(6), flipped = folder.path() / checkpoint_name(4);
  fs::resize_file(cut, fs::file_size(cut) - 1);
  std::string bytes = read_file(flipped);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 16);
  write_file(flipped, bytes);
  std::vector<std::string> said;
  CHECK(newest_checkpoint(folder.path(), [&](const std::string& line) { said.push_back(line); }) ==
        folder.path() / checkpoint_name(2));
  CHECK(said.size() == 2);
  said.clear();
  CHECK(checkpoint_file(folder.path(), [&](const std::string& line) { said.push_back(line); }) ==
        folder.path() / checkpoint_name(2));
  CHECK(said.size() == 2);
  CHECK_THROWS_AS(read_checkpoint(cut), Error);
  CHECK_THROWS_WITH(read_checkpoint(flipped), Catch::ContainsSubstring("the file is damaged"));
  CHECK(read_checkpoint(folder.path()).step == 2);
}

TEST_CASE("only the newest checkpoints are kept, and nothing else is touched", "[checkpoint]") {
  const TestFolder folder;
  const Recipe recipe = tiny_recipe();
  for (const int64_t step : {1, 9, 10, 200})
    write_checkpoint(folder.path() / checkpoint_name(step), example(step, recipe));
  write_file(folder.path() / "notes.txt", "mine");
  prune_checkpoints(folder.path(), 2);
  CHECK_FALSE(fs::exists(folder.path() / checkpoint_name(9)));
  CHECK(fs::exists(folder.path() / checkpoint_name(10)));
  CHECK(fs::exists(folder.path() / checkpoint_name(200)));
  CHECK(fs::exists(folder.path() / "notes.txt"));
}

TEST_CASE("loading lists every tensor that does not fit, and changes nothing", "[checkpoint]") {
  const Recipe recipe = tiny_recipe();
  const auto net = make_net(recipe);
  const std::string before = digest(model_tensors(*net));
  CHECK_THROWS_WITH(load_model(*net, {{"model/embedding", at::zeros({27, 9})},
                                      {"model/out", at::zeros({27, 8})},
                                      {"model/outt", at::zeros({1})},
                                      {"optimizer/sum.0", at::zeros({1})}}),
                    "checkpoint: tensor 'model/embedding': expected [27, 8], got [27, 9]\n"
                    "checkpoint: tensor 'model/unused': missing\n"
                    "checkpoint: tensor 'model/outt': unknown to this net");
  CHECK(digest(model_tensors(*net)) == before);
}

TEST_CASE("a folder with best weights is read as these, and resumed from the newest checkpoint all the same",
          "[checkpoint]") {
  const TestFolder folder;
  const auto write = [&](const std::string& name, int64_t step) {
    Checkpoint checkpoint{.config = config::Node::map(), .step = step};
    checkpoint.tensors["model/w"] = at::full({1}, static_cast<double>(step));
    write_checkpoint(folder / name, checkpoint);
  };
  write(checkpoint_name(8), 8);
  CHECK(read_checkpoint(folder.path()).step == 8);
  write(kBestCheckpoint, 5);
  CHECK(read_checkpoint(folder.path()).step == 5);
  CHECK(newest_checkpoint(folder.path()) == folder / checkpoint_name(8));
  prune_checkpoints(folder.path(), 0);
  CHECK(read_checkpoint(folder.path()).step == 5);
}

TEST_CASE("a folder without checkpoints is refused", "[checkpoint]") {
  const TestFolder folder;
  CHECK_FALSE(newest_checkpoint(folder.path()));
  CHECK_FALSE(newest_checkpoint(folder.path() / "nowhere"));
  CHECK_THROWS_WITH(
      read_checkpoint(folder.path()),
      folder.path().string() +
          ": has no intact checkpoint; expected step-*.safetensors in it or in its checkpoints/");
  const fs::path pointer = folder / "checkpoints" / checkpoint_name(4);
  write_file(pointer, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n");
  CHECK_THROWS_WITH(read_checkpoint(folder.path()),
                    folder.path().string() + ": has no intact checkpoint; passed over: " + pointer.string() +
                        ": is a Git LFS pointer, no safetensors file; git lfs pull fetches the file itself");
}

}  // namespace checkpoint_test
