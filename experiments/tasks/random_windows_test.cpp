#include "experiments/tasks/random_windows.h"

#include <ATen/ATen.h>

#include <set>

#include "core/testing/catch.h"
#include "experiments/testing/tiny.h"
#include "experiments/testing/tiny_tokens.h"

namespace random_windows_test {
using namespace subband;
using testing::tiny_tokens;
using testing::TinyTokens;

std::vector<int64_t> ids(const at::Tensor& x) {
  const at::Tensor flat = x.contiguous();
  return {flat.const_data_ptr<int64_t>(), flat.const_data_ptr<int64_t>() + flat.numel()};
}

TEST_CASE("a batch is windows of the text with targets one token further", "[random_windows]") {
  const TinyTokens text = tiny_tokens("train", 60);
  RandomWindows windows(text.tokens, {.batch = 5, .length = 7, .seed = 3, .stream = "batch"});
  const Batch& batch = windows.draw(4);
  CHECK(batch.inputs_BL.sizes() == at::IntArrayRef({5, 7}));
  for (int64_t row = 0; row < 5; ++row) {
    const auto inputs = ids(batch.inputs_BL[row]), targets = ids(batch.targets_BL[row]);
    CHECK(std::vector(inputs.begin() + 1, inputs.end()) == std::vector(targets.begin(), targets.end() - 1));
    const auto found = std::search(text.ids.begin(), text.ids.end(), inputs.begin(), inputs.end());
    REQUIRE(found != text.ids.end());
  }
}

TEST_CASE("batch k depends on seed, stream and k alone", "[random_windows]") {
  const TinyTokens text = tiny_tokens("train", 400);
  const auto draw = [&](uint64_t seed, const char* stream, std::vector<uint64_t> indices) {
    RandomWindows windows(text.tokens, {.batch = 6, .length = 9, .seed = seed, .stream = stream});
    for (const uint64_t index : indices) windows.draw(index);
    return ids(windows.draw(7).inputs_BL);
  };
  const auto expected = draw(1, "batch", {});
  CHECK(draw(1, "batch", {0, 1, 12}) == expected);
  CHECK(draw(2, "batch", {}) != expected);
  CHECK(draw(1, "valid", {}) != expected);
  RandomWindows windows(text.tokens, {.batch = 6, .length = 9, .seed = 1, .stream = "batch"});
  CHECK(ids(windows.draw(8).inputs_BL) != expected);
}

TEST_CASE("starts reach from 0 to N - L - 2, as in WaveletLM's training script", "[random_windows]") {
  const TinyTokens text = tiny_tokens("train", 12);
  std::set<std::vector<int64_t>> seen;
  RandomWindows windows(text.tokens, {.batch = 64, .length = 8, .seed = 1, .stream = "batch"});
  const Batch& batch = windows.draw(0);
  for (int64_t row = 0; row < 64; ++row) seen.insert(ids(batch.inputs_BL[row]));
  std::set<std::vector<int64_t>> expected;
  for (int64_t start = 0; start < 12 - 8 - 1; ++start) {
    expected.insert({text.ids.begin() + start, text.ids.begin() + start + 8});
  }
  CHECK(seen == expected);
}

TEST_CASE("a text shorter than a window is refused", "[random_windows]") {
  const TinyTokens text = tiny_tokens("train", 8);
  CHECK_THROWS_AS(RandomWindows(text.tokens, {.batch = 1, .length = 8, .stream = "batch"}), ConfigError);
}

}  // namespace random_windows_test
