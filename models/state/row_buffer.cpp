#include "models/state/row_buffer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

namespace subband {

// The shape of x with another number of rows.
static std::vector<int64_t> with_rows(const at::Tensor& x, int64_t rows) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape[shape.size() - 2] = rows;
  return shape;
}

RowBuffer::RowBuffer(const RowBuffer& other)
    : most_(other.most_),
      reserved_(other.reserved_),
      count_(other.count_),
      start_(other.start_),
      data_(other.data_.defined() ? other.data_.clone() : other.data_) {}

RowBuffer& RowBuffer::operator=(const RowBuffer& other) {
  RowBuffer copy(other);
  return *this = std::move(copy);
}

void RowBuffer::push(const at::Tensor& x) {
  const int64_t added = x.size(-2), fresh = std::min(added, most_);
  if (fresh == 0) return set_count(count_ + added);
  const bool recorded = (c10::GradMode::is_enabled() && x.requires_grad()) || (data_.defined() && data_.requires_grad());
  if (recorded) {
    const int64_t old = std::min(kept_rows(), most_ - fresh);
    const at::Tensor last = x.narrow(-2, added - fresh, fresh);
    data_ = old == 0 ? last.clone() : at::cat({slice(count_ - old, old), last}, -2);
    leave_sharers();
    set_count(count_ + added);
    start_ = count_ - old - fresh;
    return;
  }
  make_room(x, std::min(kept_rows() + added, most_));
  write(count_ + added - fresh, x.narrow(-2, added - fresh, fresh));
  set_count(count_ + added);
}

void RowBuffer::set_count(int64_t count) {
  count_ = count;
  if (reads_) *reads_ = count;
}

void RowBuffer::clear() {
  set_count(0);
  start_ = 0;
}

void RowBuffer::leave_sharers() {
  sharers_.reset();
  reads_.reset();
}

bool RowBuffer::overwrites_sharer() const {
  if (!sharers_) return false;
  std::erase_if(*sharers_, [](const auto& sharer) { return sharer.expired(); });
  return std::ranges::any_of(*sharers_, [this](const auto& sharer) {
    const std::shared_ptr<const int64_t> reads = sharer.lock();
    return reads && reads != reads_ && *reads > count_;
  });
}

at::Tensor RowBuffer::kept() const { return slice(count_ - kept_rows(), kept_rows()); }

at::Tensor RowBuffer::joined(const at::Tensor& x, int64_t distance, int64_t rows) const {
  const int64_t first = count_ - distance, unknown = std::clamp<int64_t>(-first, 0, rows);
  const int64_t old = std::min(distance, rows) - unknown, fresh = rows - std::min(distance, rows);
  std::vector<at::Tensor> parts;
  if (unknown > 0) parts.push_back(at::zeros(with_rows(x, unknown), x.options().requires_grad(false)));
  if (old > 0) parts.push_back(slice(first + unknown, old));
  if (fresh > 0) parts.push_back(x.narrow(-2, 0, fresh));
  return at::cat(parts, -2);  // a copy always: the next push may overwrite what it was read from
}

at::Tensor RowBuffer::slice(int64_t time, int64_t rows) const {
  const int64_t size = capacity(), place = size > 0 ? (time - start_) % size : 0;
  if (place + rows <= size) return data_.narrow(-2, place, rows);
  return at::cat({data_.narrow(-2, place, size - place), data_.narrow(-2, 0, place + rows - size)}, -2);
}

void RowBuffer::make_room(const at::Tensor& like, int64_t rows) {
  if (data_.defined() && rows <= capacity() && !overwrites_sharer()) return;
  const int64_t size = std::min(most_, std::max({rows, rows > capacity() ? 2 * capacity() : capacity(), reserved_}));
  const at::Tensor old = data_;
  const int64_t held = kept_rows();
  const at::Tensor& model = old.defined() ? old : like;
  at::Tensor fresh = at::empty(with_rows(model, size), model.options().requires_grad(false));
  if (held > 0) fresh.narrow(-2, 0, held).copy_(slice(count_ - held, held));
  data_ = fresh;
  start_ = count_ - held;
  leave_sharers();
  ++allocations_;
}

void RowBuffer::write(int64_t time, const at::Tensor& rows) {
  const c10::NoGradGuard no_gradient;
  const int64_t size = capacity(), place = (time - start_) % size, first = std::min(rows.size(-2), size - place);
  data_.narrow(-2, place, first).copy_(rows.narrow(-2, 0, first));
  if (first < rows.size(-2)) data_.narrow(-2, 0, rows.size(-2) - first).copy_(rows.narrow(-2, first, rows.size(-2) - first));
}

int64_t RowBuffer::bytes() const {
  if (capacity() == 0) return 0;
  return data_.numel() / capacity() * kept_rows() * static_cast<int64_t>(data_.element_size());
}

int64_t RowBuffer::held_bytes() const {
  return data_.defined() ? static_cast<int64_t>(data_.storage().nbytes()) : 0;
}

RowBuffer RowBuffer::shared() const {
  if (most_ != kAll || !data_.defined()) return *this;
  RowBuffer other(most_, reserved_);
  other.count_ = count_, other.start_ = start_, other.data_ = data_;
  if (!sharers_) sharers_ = std::make_shared<Sharers>();
  if (!reads_) sharers_->push_back(reads_ = std::make_shared<int64_t>(count_));
  other.sharers_ = sharers_;
  other.sharers_->push_back(other.reads_ = std::make_shared<int64_t>(count_));
  return other;
}

void RowBuffer::cut(int64_t count) { set_count(std::min(count_, count)); }

void RowBuffer::choose(const at::Tensor& rows) {
  if (!data_.defined()) return;
  data_ = data_.index_select(0, rows.to(data_.device()));
  leave_sharers();
}

void RowBuffer::detach() {
  if (data_.defined()) data_ = data_.detach();
}

void RowBuffer::fill_unwritten(double value) {
  if (!data_.defined() || kept_rows() == capacity()) return;
  const c10::NoGradGuard no_gradient;
  const at::Tensor written = kept().clone();
  data_.fill_(value);
  write(count_ - kept_rows(), written);
}

RowBuffer RowBuffer::restored(const at::Tensor& kept, int64_t count, int64_t most) {
  RowBuffer buffer(most);
  buffer.push(kept);
  buffer.set_count(count);
  buffer.start_ = count - kept.size(-2);
  return buffer;
}

}  // namespace subband
