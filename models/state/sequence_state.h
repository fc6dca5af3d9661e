// What nets and mixers remember of the sequences that they read: one value, owned by the caller.
//   SequenceState state;   net.forward(prompt, {.state = &state});   net.forward(next, {.state = &state});
// A layer has one slot. It keeps tensors under names: sums, replaced as a whole, and rows (row_buffer.h).
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "models/state/row_buffer.h"

namespace subband {

/// What one layer, or one part of it, keeps. Names that begin with `across.` outlive the window they were written in.
class LayerState {
 public:
  explicit LayerState(int64_t reserved = 0) : reserved_(reserved) {}

  at::Tensor value(std::string_view name) const;  ///< undefined where nothing was put yet
  /// Shapes  [B, ...]; copied over the last one where it has its shape and no gradient is recorded.
  void put(std::string_view name, const at::Tensor& value);
  RowBuffer& rows(std::string_view name, int64_t most = RowBuffer::kAll);  ///< made empty where it is new
  LayerState& part(std::string_view name);                                 ///< of a part that stands in the layer

 private:
  friend class SequenceState;
  using Visit = std::function<void(const std::string& path, at::Tensor* value, RowBuffer* rows)>;
  void each(const std::string& prefix, const Visit& visit);
  LayerState shared() const;
  int64_t batch() const;
  void forget_window();

  int64_t reserved_;
  int64_t allocations_ = 0;  ///< of values
  std::map<std::string, at::Tensor, std::less<>> values_;
  std::map<std::string, RowBuffer, std::less<>> rows_;
  std::map<std::string, LayerState, std::less<>> parts_;
};

class SequenceState {
 public:
  /// `capacity`: tokens that are read without making room anew.
  explicit SequenceState(int64_t capacity = 0) : reserved_(capacity) {}
  SequenceState(const SequenceState& other);  ///< values of its own
  SequenceState& operator=(const SequenceState& other);
  SequenceState(SequenceState&&) = default;
  SequenceState& operator=(SequenceState&&) = default;

  int64_t position() const { return position_; }  ///< of the next token
  int64_t capacity() const;                       ///< tokens that it has room for; at least the position
  int64_t batch() const;                          ///< sequences; kAny before the first token
  LayerState& layer(int64_t index);
  void advance(int64_t tokens) { position_ += tokens; }  ///< by whoever fed the layers

  /// A place to return to, any number of times. Keys and values are not copied for it.
  class Mark;
  Mark mark() const;
  void return_to(const Mark& mark);
  /// Row b becomes what row rows[b] was.  Shapes  rows [B'] int64
  void choose(const at::Tensor& rows);
  bool can_cut() const;         ///< whether it keeps every token, so that it can forget the last ones
  void cut(int64_t position);   ///< ShapeError where it cannot
  void next_window();           ///< position 0, and of the past only what goes from window to window
  void detach();                ///< from what computed it: no gradient flows back across this
  int64_t bytes() const;        ///< of what the tokens so far need, all sequences
  int64_t held_bytes() const;   ///< of the memory that it holds
  int64_t allocations() const;  ///< that it made so far
  void fill_unwritten(double value);  ///< for tests: all memory that no token has written

  std::map<std::string, at::Tensor> tensors() const;
  static SequenceState from(const std::map<std::string, at::Tensor>& tensors);  ///< Error where one is missing

 private:
  void each(const LayerState::Visit& visit) const;
  static SequenceState shared(const SequenceState& state);

  int64_t reserved_, position_ = 0;
  mutable std::deque<LayerState> layers_;  ///< a deque: a slot stays where it is while others are added
};

class SequenceState::Mark {
 private:
  friend class SequenceState;
  explicit Mark(SequenceState state) : state_(std::move(state)) {}
  SequenceState state_;
};

/// Bytes of a value in sums over tokens, which are fp32 at least.
constexpr int64_t sum_bytes(int64_t bytes_per_value) { return bytes_per_value < 4 ? 4 : bytes_per_value; }

}  // namespace subband
