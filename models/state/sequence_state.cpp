#include "models/state/sequence_state.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/tensors/expect.h"

namespace subband {

static constexpr const char* kAcross = "across.";

at::Tensor LayerState::value(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? at::Tensor() : found->second;
}

void LayerState::put(std::string_view name, const at::Tensor& value) {
  auto found = values_.find(name);
  if (found == values_.end()) found = values_.emplace(name, at::Tensor()).first;
  at::Tensor& kept = found->second;
  if (kept.is_same(value)) return;  // it was changed in place
  // Where gradients are recorded a backward pass may still read the last one.
  const bool recorded = c10::GradMode::is_enabled() || (kept.defined() && kept.requires_grad());
  if (recorded) {
    kept = value.requires_grad() ? value : value.clone(at::MemoryFormat::Contiguous);
  } else if (kept.defined() && kept.sizes() == value.sizes() && kept.scalar_type() == value.scalar_type()) {
    kept.copy_(value);
  } else {
    kept = value.detach().clone(at::MemoryFormat::Contiguous);
    ++allocations_;
  }
}

RowBuffer& LayerState::rows(std::string_view name, int64_t most) {
  const auto found = rows_.find(name);
  return found != rows_.end() ? found->second : rows_.emplace(name, RowBuffer(most, std::min(most, reserved_))).first->second;
}

LayerState& LayerState::part(std::string_view name) {
  const auto found = parts_.find(name);
  return found != parts_.end() ? found->second : parts_.emplace(name, LayerState(reserved_)).first->second;
}

void LayerState::each(const std::string& prefix, const Visit& visit) {
  for (auto& [name, value] : values_)
    if (value.defined()) visit(prefix + name, &value, nullptr);
  for (auto& [name, rows] : rows_) visit(prefix + name, nullptr, &rows);
  for (auto& [name, part] : parts_) part.each(prefix + name + "/", visit);
}

LayerState LayerState::shared() const {
  LayerState other(reserved_);
  for (const auto& [name, value] : values_) other.values_[name] = value.defined() ? value.clone() : value;
  for (const auto& [name, rows] : rows_) other.rows_.emplace(name, rows.shared());
  for (const auto& [name, part] : parts_) other.parts_.emplace(name, part.shared());
  return other;
}

int64_t LayerState::batch() const {
  for (const auto& [name, value] : values_)
    if (value.defined()) return value.size(0);
  for (const auto& [name, rows] : rows_)
    if (rows.batch() >= 0) return rows.batch();
  for (const auto& [name, part] : parts_)
    if (const int64_t batch = part.batch(); batch != kAny) return batch;
  return kAny;
}

void LayerState::forget_window() {
  const auto stays = [](const auto& item) { return item.first.starts_with(kAcross); };
  std::erase_if(values_, [&](const auto& item) { return !stays(item); });
  std::erase_if(rows_, [&](const auto& item) { return !stays(item); });
  for (auto& [name, part] : parts_) part.forget_window();
}

SequenceState::SequenceState(const SequenceState& other) : SequenceState(shared(other)) {
  each([](const std::string&, at::Tensor*, RowBuffer* rows) {
    if (rows) *rows = RowBuffer(*rows);
  });
}

SequenceState& SequenceState::operator=(const SequenceState& other) {
  SequenceState copy(other);
  return *this = std::move(copy);
}

SequenceState SequenceState::shared(const SequenceState& state) {
  SequenceState other(state.reserved_);
  other.position_ = state.position_;
  for (const LayerState& layer : state.layers_) other.layers_.push_back(layer.shared());
  return other;
}

void SequenceState::each(const LayerState::Visit& visit) const {
  for (size_t i = 0; i < layers_.size(); ++i) layers_[i].each(std::to_string(i) + "/", visit);
}

LayerState& SequenceState::layer(int64_t index) {
  while (static_cast<int64_t>(layers_.size()) <= index) layers_.emplace_back(reserved_);
  return layers_[static_cast<size_t>(index)];
}

int64_t SequenceState::capacity() const {
  int64_t least = std::numeric_limits<int64_t>::max();
  each([&](const std::string&, at::Tensor*, RowBuffer* rows) {
    if (rows && rows->most() == RowBuffer::kAll && rows->count() == position_) least = std::min(least, rows->capacity());
  });
  return std::max({least == std::numeric_limits<int64_t>::max() ? position_ : least, position_, reserved_});
}

int64_t SequenceState::batch() const {
  for (const LayerState& layer : layers_)
    if (const int64_t batch = layer.batch(); batch != kAny) return batch;
  return kAny;
}

SequenceState::Mark SequenceState::mark() const { return Mark(shared(*this)); }

void SequenceState::return_to(const Mark& mark) { *this = shared(mark.state_); }

void SequenceState::choose(const at::Tensor& rows) {
  expect_shape("sequence_state", "rows", rows, {kAny});
  each([&](const std::string&, at::Tensor* value, RowBuffer* buffer) {
    if (buffer)
      buffer->choose(rows);
    else
      *value = value->index_select(0, rows.to(value->device()));
  });
}

bool SequenceState::can_cut() const {
  bool whole = true;
  each([&](const std::string&, at::Tensor*, RowBuffer* rows) {
    whole = whole && rows && rows->most() == RowBuffer::kAll && rows->count() == position_;
  });
  return whole;
}

void SequenceState::cut(int64_t position) {
  if (position < 0 || position > position_)
    throw ShapeError("sequence_state", "position = " + std::to_string(position) + ": must be 0 to " +
                                           std::to_string(position_) + ", the tokens read so far");
  if (position == position_) return;
  if (!can_cut())
    throw ShapeError("sequence_state", "position = " + std::to_string(position) +
                                           ": cannot be cut to; it keeps sums or last inputs, not every token; mark "
                                           "the place before, and return to it");
  each([&](const std::string&, at::Tensor*, RowBuffer* rows) { rows->cut(position); });
  position_ = position;
}

void SequenceState::next_window() {
  for (LayerState& layer : layers_) layer.forget_window();
  position_ = 0;
}

void SequenceState::detach() {
  each([](const std::string&, at::Tensor* value, RowBuffer* rows) {
    if (rows)
      rows->detach();
    else
      *value = value->detach();
  });
}

int64_t SequenceState::bytes() const {
  int64_t sum = 0;
  each([&](const std::string&, at::Tensor* value, RowBuffer* rows) {
    sum += rows ? rows->bytes() : static_cast<int64_t>(value->nbytes());
  });
  return sum;
}

int64_t SequenceState::held_bytes() const {
  int64_t sum = 0;
  each([&](const std::string&, at::Tensor* value, RowBuffer* rows) {
    sum += rows ? rows->held_bytes() : static_cast<int64_t>(value->storage().nbytes());
  });
  return sum;
}

int64_t SequenceState::allocations() const {
  int64_t sum = 0;
  const std::function<void(const LayerState&)> add = [&](const LayerState& layer) {
    sum += layer.allocations_;
    for (const auto& [name, rows] : layer.rows_) sum += rows.allocations();
    for (const auto& [name, part] : layer.parts_) add(part);
  };
  for (const LayerState& layer : layers_) add(layer);
  return sum;
}

void SequenceState::fill_unwritten(double value) {
  each([&](const std::string&, at::Tensor*, RowBuffer* rows) {
    if (rows) rows->fill_unwritten(value);
  });
}

// Names: `position`, `LAYER/…/NAME` of a value, `LAYER/…/NAME:rows` of the rows kept and `LAYER/…/NAME:count` of how many
// there were and how many are kept at most.
std::map<std::string, at::Tensor> SequenceState::tensors() const {
  std::map<std::string, at::Tensor> tensors = {{"position", at::scalar_tensor(position_, at::kLong)}};
  each([&](const std::string& path, at::Tensor* value, RowBuffer* rows) {
    if (value) {
      tensors[path] = value->detach();
    } else if (rows->batch() >= 0) {
      tensors[path + ":rows"] = rows->kept().detach().contiguous();
      const at::Tensor count = at::empty({2}, at::kLong);
      count.mutable_data_ptr<int64_t>()[0] = rows->count(), count.mutable_data_ptr<int64_t>()[1] = rows->most();
      tensors[path + ":count"] = count;
    }
  });
  return tensors;
}

SequenceState SequenceState::from(const std::map<std::string, at::Tensor>& tensors) {
  const auto get = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw Error("sequence_state", "tensor '" + name + "': missing");
    return found->second;
  };
  SequenceState state;
  state.position_ = get("position").cpu().item<int64_t>();
  for (const auto& [path, tensor] : tensors) {
    const size_t slash = path.find('/'), last = path.rfind('/'), colon = path.rfind(':');
    if (slash == std::string::npos || path.ends_with(":count")) continue;
    LayerState* layer = &state.layer(std::stoll(path.substr(0, slash)));
    for (size_t begin = slash + 1; begin <= last;) {
      const size_t end = path.find('/', begin);
      layer = &layer->part(path.substr(begin, end - begin));
      begin = end + 1;
    }
    const std::string name = path.substr(last + 1, path.ends_with(":rows") ? colon - last - 1 : std::string::npos);
    if (!path.ends_with(":rows")) {
      layer->values_[name] = tensor.clone();
      continue;
    }
    const at::Tensor count = get(path.substr(0, colon) + ":count").cpu();
    layer->rows_[name] =
        RowBuffer::restored(tensor, count.const_data_ptr<int64_t>()[0], count.const_data_ptr<int64_t>()[1]);
  }
  return state;
}

}  // namespace subband
