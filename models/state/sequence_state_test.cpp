#include "models/state/sequence_state.h"

#include <torch/torch.h>

#include "core/error.h"
#include "core/testing/catch.h"
#include "models/pass.h"
#include "models/testing/parts.h"

using namespace subband;

namespace sequence_state_test {

// One layer that keeps keys, another that keeps a sum, the last inputs and, in a part of it, what crosses windows.
static void feed(SequenceState& state, const at::Tensor& x_BLC, bool keys_alone = false) {
  state.layer(0).rows("k").push(x_BLC);
  if (!keys_alone) {
    LayerState& layer = state.layer(1);
    const at::Tensor sum = layer.value("sum");
    layer.put("sum", sum.defined() ? sum + x_BLC.sum(1) : x_BLC.sum(1));
    layer.rows("last", 3).push(x_BLC);
    layer.part("memory").put("across.sum", layer.value("sum"));
    layer.part("memory").rows("across.last", 2).push(x_BLC);
  }
  state.advance(x_BLC.size(1));
}

static SequenceState fed(const at::Tensor& x_BLC, bool keys_alone = false) {
  SequenceState state;
  feed(state, x_BLC, keys_alone);
  return state;
}

static void check_same(const SequenceState& a, const SequenceState& b) {
  const auto ours = a.tensors(), theirs = b.tensors();
  REQUIRE(ours.size() == theirs.size());
  for (const auto& [name, tensor] : ours) {
    CAPTURE(name);
    CHECK(at::equal(tensor, theirs.at(name)));
  }
  CHECK(a.position() == b.position());
  CHECK(a.bytes() == b.bytes());
}

static at::Tensor some(int64_t batch, int64_t length, const char* name = "x") {
  return testing::random({batch, length, 4}, at::kDouble, name);
}

}  // namespace sequence_state_test

using namespace sequence_state_test;

TEST_CASE("a copy of a state goes its own way", "[sequence_state]") {
  SequenceState state = fed(some(2, 5));
  SequenceState copy = state;
  feed(copy, some(2, 4, "other"));
  check_same(state, fed(some(2, 5)));
  state = copy;
  check_same(state, copy);
  CHECK(copy.position() == 9);
}

TEST_CASE("a mark is returned to any number of times, also from behind a later mark", "[sequence_state]") {
  SequenceState state = fed(some(2, 5));
  const SequenceState::Mark mark = state.mark();
  for (const char* name : {"a", "b"}) {
    feed(state, some(2, 3, name));
    const SequenceState::Mark later = state.mark();
    const SequenceState there = state;
    feed(state, some(2, 2, "further"));
    state.return_to(mark);
    check_same(state, fed(some(2, 5)));
    feed(state, some(2, 9, "elsewhere"));
    state.return_to(later);
    check_same(state, there);
    state.return_to(mark);
  }
}

TEST_CASE("going back and on again from a mark copies no key", "[sequence_state]") {
  SequenceState state(100);
  feed(state, some(2, 40), true);
  const SequenceState::Mark mark = state.mark();
  state.return_to(mark);
  const int64_t before = state.allocations();
  for (int round = 0; round < 5; ++round) {
    feed(state, some(2, 5), true);
    CHECK(state.allocations() == before);
    state.return_to(mark);
  }
}

TEST_CASE("rows of the batch are chosen, repeated and reordered", "[sequence_state]") {
  const at::Tensor x = some(3, 5), y = some(2, 4, "next"), rows = at::tensor({2, 0}, at::kLong);
  SequenceState state = fed(x);
  state.choose(rows);
  CHECK(state.batch() == 2);
  feed(state, y);
  SequenceState wanted = fed(x.index_select(0, rows));
  feed(wanted, y);
  check_same(state, wanted);
}

TEST_CASE("a state that keeps every token is cut anywhere, another one nowhere", "[sequence_state]") {
  const at::Tensor x = some(2, 9);
  SequenceState state = fed(x, true);
  CHECK(state.can_cut());
  state.cut(4);
  check_same(state, fed(x.narrow(1, 0, 4), true));
  CHECK_THROWS_WITH(state.cut(5),
                    "sequence_state: position = 5: must be 0 to 4, the tokens read so far");
  SequenceState sums = fed(x);
  CHECK_FALSE(sums.can_cut());
  sums.cut(9);
  CHECK_THROWS_WITH(sums.cut(4),
                    "sequence_state: position = 4: cannot be cut to; it keeps sums or last inputs, not every token; "
                    "mark the place before, and return to it");
}

TEST_CASE("only what goes across windows is left in the next one", "[sequence_state]") {
  SequenceState state = fed(some(2, 5));
  state.next_window();
  CHECK(state.position() == 0);
  CHECK(state.batch() == 2);
  const auto tensors = state.tensors();
  CHECK(tensors.size() == 4);  // position, the sum, rows and their count
  CHECK(at::equal(tensors.at("1/memory/across.sum"), some(2, 5).sum(1)));
  CHECK(at::equal(tensors.at("1/memory/across.last:rows"), some(2, 5).narrow(1, 3, 2)));
}

TEST_CASE("a state goes through a file, and on as if it had not", "[sequence_state]") {
  SequenceState state = fed(some(2, 5));
  SequenceState again = SequenceState::from(state.tensors());
  check_same(again, state);
  for (SequenceState* each : {&state, &again}) feed(*each, some(2, 7, "next"));
  check_same(again, state);
  auto tensors = state.tensors();
  tensors.erase("0/k:count");
  CHECK_THROWS_WITH(SequenceState::from(tensors), "sequence_state: tensor '0/k:count': missing");
}

TEST_CASE("a state says what it needs and what it holds, and makes room once", "[sequence_state]") {
  SequenceState state(64);
  for (int64_t t = 0; t < 40; ++t) feed(state, some(2, 1));
  const int64_t row = 2 * 4 * 8;
  CHECK(state.bytes() == row * (40 + 1 + 3 + 1 + 2));
  CHECK(state.held_bytes() == row * (64 + 1 + 3 + 1 + 2));
  CHECK(state.capacity() == 64);
  SequenceState first(64);
  feed(first, some(2, 1));
  CHECK(state.allocations() == first.allocations());
}

TEST_CASE("padding has no place in a sequence that goes on", "[sequence_state]") {
  SequenceState state = fed(some(2, 5));
  const at::Tensor keep = at::ones({2, 3}, at::kBool);
  CHECK_THROWS_WITH(expect_pass("part", some(2, 3), {.keep_BL = keep, .state = &state}, 4),
                    "part: keep: padding has no place in a sequence that goes on");
  CHECK_THROWS_WITH(expect_pass("part", some(3, 3), {.state = &state}, 4),
                    "part: x: expected [2, *, 4], got [3, 3, 4]");
  expect_pass("part", some(2, 3), {.state = &state}, 4);
}
