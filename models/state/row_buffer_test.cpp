#include "models/state/row_buffer.h"

#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "core/testing/catch.h"

using namespace subband;

namespace row_buffer_test {

// Row t of sequence b is 100 b + t.  -> [2,rows,1]
static at::Tensor rows_from(int64_t first, int64_t rows) {
  const at::Tensor times = at::arange(first, first + rows, at::kDouble);
  return at::stack({times, times + 100}).unsqueeze(-1);
}

// Pushes rows 0, 1, … in pieces of these sizes.
static RowBuffer filled(int64_t most, const std::vector<int64_t>& pieces) {
  RowBuffer buffer(most);
  for (const int64_t piece : pieces) buffer.push(rows_from(buffer.count(), piece));
  return buffer;
}

}  // namespace row_buffer_test

using namespace row_buffer_test;

TEST_CASE("a ring keeps the last rows, whatever the pieces they came in", "[row_buffer]") {
  for (const std::vector<int64_t>& pieces : std::vector<std::vector<int64_t>>{
           {1, 1, 1}, {4, 1, 1, 1, 1, 1, 1, 1}, {17}, {2, 9, 3}, {5, 5, 5, 5}, {3, 2, 40, 1}}) {
    for (const int64_t most : {1, 2, 5, 7, 16}) {
      const RowBuffer buffer = filled(most, pieces);
      CAPTURE(most, buffer.count());
      CHECK(at::equal(buffer.kept(), rows_from(buffer.count() - buffer.kept_rows(), buffer.kept_rows())));
      CHECK(buffer.bytes() == 2 * 8 * std::min(most, buffer.count()));
      CHECK(buffer.capacity() <= most);
    }
  }
}

TEST_CASE("what is joined reaches back over the kept rows to zeros before the first, and is a copy", "[row_buffer]") {
  RowBuffer buffer = filled(5, {2, 1, 4});
  const at::Tensor x = rows_from(7, 3);
  CHECK(at::equal(buffer.joined(x, 5, 8), rows_from(2, 8)));
  CHECK(at::equal(buffer.joined(x, 4, 2), rows_from(3, 2)));
  CHECK(at::equal(buffer.joined(x, 0, 3), x));
  const at::Tensor past = buffer.joined(x, 5, 3);
  buffer.push(x);
  CHECK(at::equal(past, rows_from(2, 3)));
  const RowBuffer young = filled(5, {2});
  CHECK(at::equal(young.joined(rows_from(2, 1), 5, 6), at::cat({at::zeros({2, 3, 1}, at::kDouble), rows_from(0, 3)}, 1)));
  CHECK(at::equal(RowBuffer(5).joined(x, 2, 2), at::zeros({2, 2, 1}, at::kDouble)));
}

TEST_CASE("all rows stand in one block that doubles when it is full", "[row_buffer]") {
  RowBuffer buffer;
  int64_t copied = 0;
  for (int64_t t = 0; t < 1000; ++t) {
    const int64_t before = buffer.allocations();
    buffer.push(rows_from(t, 1));
    if (buffer.allocations() > before) copied += t;
  }
  CHECK(at::equal(buffer.kept(), rows_from(0, 1000)));
  CHECK(buffer.kept().is_alias_of(buffer.kept()));
  CHECK(buffer.allocations() == 11);  // 1, 2, 4, … 1024
  CHECK(copied <= 2 * 1000);
  CHECK(buffer.held_bytes() == 1024 * 2 * 8);
  RowBuffer roomy(RowBuffer::kAll, 1000);
  for (int64_t t = 0; t < 1000; ++t) roomy.push(rows_from(t, 1));
  CHECK(roomy.allocations() == 1);
}

TEST_CASE("rows shared with another buffer are never overwritten under it", "[row_buffer]") {
  RowBuffer buffer = filled(RowBuffer::kAll, {10});
  const RowBuffer marked = buffer.shared();
  buffer.push(rows_from(10, 3));
  const RowBuffer later = buffer.shared();
  RowBuffer again = marked.shared();
  again.push(-rows_from(10, 5));
  CHECK(at::equal(later.kept(), rows_from(0, 13)));
  CHECK(at::equal(again.kept(), at::cat({rows_from(0, 10), -rows_from(10, 5)}, 1)));
  CHECK(at::equal(marked.kept(), rows_from(0, 10)));
  // Two that go on from one place both write its next row.
  const RowBuffer place = filled(RowBuffer::kAll, {2, 1, 2}).shared();
  RowBuffer one = place.shared(), two = place.shared();
  one.push(rows_from(5, 1));
  two.push(-rows_from(5, 2));
  one.push(rows_from(6, 1));
  CHECK(at::equal(one.kept(), rows_from(0, 7)));
  CHECK(at::equal(two.kept(), at::cat({rows_from(0, 5), -rows_from(5, 2)}, 1)));
  // One after the other, as draws that are tried from one place: the memory of the one that is gone is free again.
  const RowBuffer start = filled(RowBuffer::kAll, {2, 1, 2}).shared();
  for (int draw = 0; draw < 3; ++draw) {
    RowBuffer tried = start.shared();
    const int64_t before = tried.allocations();
    tried.push(rows_from(5, 3));
    CHECK(at::equal(tried.kept(), rows_from(0, 8)));
    CHECK(tried.allocations() == before);
  }
  // Nobody else reads them: cut and written over in place.
  RowBuffer alone = filled(RowBuffer::kAll, {10});
  const int64_t allocations = alone.allocations();
  alone.cut(4);
  alone.push(rows_from(4, 3));
  CHECK(at::equal(alone.kept(), rows_from(0, 7)));
  CHECK(alone.allocations() == allocations);
}

TEST_CASE("gradients flow through what is kept and joined", "[row_buffer]") {
  for (const int64_t most : {3, 100}) {
    const at::Tensor x = rows_from(0, 8).requires_grad_();
    RowBuffer buffer(most);
    for (const int64_t first : {0, 2, 3, 6}) buffer.push(x.narrow(1, first, first == 3 ? 3 : first == 2 ? 1 : 2));
    buffer.kept().square().sum().backward();
    at::Tensor wanted = 2 * rows_from(0, 8);
    if (most == 3) wanted.narrow(1, 0, 5).zero_();
    CHECK(at::equal(x.grad(), wanted));
    const at::NoGradGuard no_gradient;  // later pushes leave alone what a backward pass may still read
    const at::Tensor before = buffer.kept().clone(), kept = buffer.kept();
    buffer.push(rows_from(8, 4));
    CHECK(at::equal(kept, before));
    CHECK(at::equal(buffer.kept(), rows_from(12 - std::min<int64_t>(most, 12), std::min<int64_t>(most, 12))));
  }
}

TEST_CASE("what no push has written can be anything", "[row_buffer]") {
  for (const int64_t most : {int64_t{6}, RowBuffer::kAll}) {
    RowBuffer buffer = filled(most, {3, 1, 1});
    buffer.fill_unwritten(std::nan(""));
    CHECK(at::equal(buffer.kept(), rows_from(0, 5)));
    buffer.push(rows_from(5, 4));
    buffer.fill_unwritten(std::nan(""));
    CHECK(at::equal(buffer.kept(), rows_from(9 - buffer.kept_rows(), buffer.kept_rows())));
  }
}
