// The rows that a layer keeps of every sequence: the last inputs of a filter, or the keys of all tokens.
//   `most` rows at most: a ring, whose oldest row the next one overwrites;  all of them: one block that doubles when full
// Shapes  [..., rows, C], the first axis the batch: inputs [B,R,C], keys [B,G,R,K]
#pragma once
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace subband {

class RowBuffer {
 public:
  static constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  /// `reserved`: rows to have room for from the first push on.
  explicit RowBuffer(int64_t most = kAll, int64_t reserved = 0) : most_(most), reserved_(reserved) {}
  RowBuffer(const RowBuffer& other);  ///< values of its own
  RowBuffer& operator=(const RowBuffer& other);
  RowBuffer(RowBuffer&&) = default;
  RowBuffer& operator=(RowBuffer&&) = default;

  /// Adds rows behind the last one: in place, or where a gradient is recorded into a new tensor.
  void push(const at::Tensor& x);
  /// What is kept, in order; of all rows a view, without copying.
  at::Tensor kept() const;
  /// `rows` rows of what was pushed with x behind it, from `distance` rows before x on; zero before the first.
  at::Tensor joined(const at::Tensor& x, int64_t distance, int64_t rows) const;

  int64_t count() const { return count_; }  ///< rows pushed so far, those included that are no longer kept
  int64_t most() const { return most_; }
  int64_t kept_rows() const { return std::min(count_, most_); }
  int64_t capacity() const { return data_.defined() ? data_.size(-2) : 0; }
  int64_t batch() const { return data_.defined() ? data_.size(0) : -1; }
  int64_t bytes() const;       ///< of the rows that are kept
  int64_t held_bytes() const;  ///< of the memory they lie in
  int64_t allocations() const { return allocations_; }

  RowBuffer shared() const;  ///< of all rows the same memory, which none overwrites where another reads; of a ring a copy
  void cut(int64_t count);   ///< of all rows, forgets those from `count` on
  void clear();              ///< forgets them all, and keeps the memory
  void choose(const at::Tensor& rows);
  void detach();
  void fill_unwritten(double value);  ///< for tests: what no push has written
  static RowBuffer restored(const at::Tensor& kept, int64_t count, int64_t most);

 private:
  at::Tensor slice(int64_t time, int64_t rows) const;  ///< kept rows, a view where they do not wrap
  void make_room(const at::Tensor& like, int64_t rows);
  void write(int64_t time, const at::Tensor& rows);
  void set_count(int64_t count);
  void leave_sharers();  ///< data_ is this one's alone
  bool overwrites_sharer() const;

  int64_t most_, reserved_;
  int64_t count_ = 0, start_ = 0;  ///< row of time t stands at (t - start) mod capacity
  at::Tensor data_;
  // Rows of data_ that each of its sharers reads; undefined where nobody ever shared it.
  using Sharers = std::vector<std::weak_ptr<const int64_t>>;
  mutable std::shared_ptr<Sharers> sharers_;
  mutable std::shared_ptr<int64_t> reads_;  ///< this one's
  int64_t allocations_ = 0;
};

}  // namespace subband
