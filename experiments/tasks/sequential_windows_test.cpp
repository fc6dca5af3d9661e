#include "experiments/tasks/sequential_windows.h"

#include <ATen/ATen.h>

#include "core/testing/catch.h"
#include "experiments/testing/tasks.h"
#include "experiments/testing/tiny_tokens.h"

namespace sequential_windows_test {
using namespace subband;
using testing::tiny_tokens;
using testing::TinyTokens;
using testing::values;

std::vector<int64_t> part(const std::vector<int64_t>& ids, int64_t first, int64_t size) {
  return {ids.begin() + first, ids.begin() + first + size};
}

TEST_CASE("windows of every stream, put together, are the corpus; targets stand one token further",
          "[sequential_windows]") {
  for (const auto& [batch, length, letters] :
       {std::array<int64_t, 3>{3, 7, 64}, {1, 5, 61}, {4, 1, 30}, {2, 8, 17}, {3, 8, 100}}) {
    const TinyTokens text = tiny_tokens("train", letters);
    SequentialWindows windows(text.tokens, {.batch = batch, .length = length});
    const int64_t pass = (letters - 1) / (batch * length);
    CHECK(windows.batches_per_pass() == pass);
    std::vector<std::vector<int64_t>> inputs(static_cast<size_t>(batch)), targets = inputs;
    for (int64_t index = 0; index < pass; ++index) {
      const Batch& drawn = windows.draw(static_cast<uint64_t>(index));
      CHECK(drawn.inputs_BL.sizes() == at::IntArrayRef({batch, length}));
      CHECK(drawn.restarts == (index == 0));
      for (int64_t row = 0; row < batch; ++row) {
        const auto add = [row](const at::Tensor& from, std::vector<std::vector<int64_t>>& to) {
          const auto more = values(from[row]);
          auto& stream = to[static_cast<size_t>(row)];
          stream.insert(stream.end(), more.begin(), more.end());
        };
        add(drawn.inputs_BL, inputs), add(drawn.targets_BL, targets);
      }
    }
    std::vector<int64_t> all, ahead;
    for (const auto& stream : inputs) all.insert(all.end(), stream.begin(), stream.end());
    for (const auto& stream : targets) ahead.insert(ahead.end(), stream.begin(), stream.end());
    CHECK(all == part(text.ids, 0, batch * pass * length));
    CHECK(ahead == part(text.ids, 1, batch * pass * length));
    CHECK(letters - 1 - static_cast<int64_t>(all.size()) < batch * length);  // what is never seen
  }
}

TEST_CASE("the streams begin anew after each pass, and a batch depends on its index alone",
          "[sequential_windows]") {
  const TinyTokens text = tiny_tokens("train", 64);
  SequentialWindows windows(text.tokens, {.batch = 3, .length = 7, .seed = 1}),
      others(text.tokens, {.batch = 3, .length = 7, .seed = 2});
  const auto first = values(windows.draw(0).inputs_BL), second = values(windows.draw(1).inputs_BL);
  CHECK(windows.batches_per_pass() == 3);
  CHECK(first != second);
  CHECK(values(others.draw(301).inputs_BL) == second);
  CHECK(values(others.draw(300).inputs_BL) == first);
  CHECK(others.draw(300).restarts);
  CHECK_FALSE(others.draw(301).restarts);
}

TEST_CASE("streams shorter than a window are refused", "[sequential_windows]") {
  const TinyTokens text = tiny_tokens("train", 21);
  CHECK_THROWS_WITH(
      SequentialWindows(text.tokens, {.batch = 3, .length = 7}),
      "task.windows = sequential: 3 streams of one window need 22 tokens, the text has 21; lower "
      "trainer.batch or trainer.length");
}

}  // namespace sequential_windows_test
