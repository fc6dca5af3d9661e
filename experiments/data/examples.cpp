#include "experiments/data/examples.h"

namespace subband {

void ExampleSet::finish(int64_t label) {
  ends_.push_back(text_.size() + ids_.size() + numbers_.size());
  labels_.push_back(label);
}

void ExampleSet::add_text(std::string_view text, int64_t label) {
  text_.insert(text_.end(), text.begin(), text.end());
  finish(label);
}

void ExampleSet::add_ids(std::span<const uint16_t> ids, int64_t label) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  finish(label);
}

void ExampleSet::add_numbers(std::span<const float> numbers, int64_t label) {
  numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  finish(label);
}

template <class T>
std::span<const T> ExampleSet::piece(const std::vector<T>& all, int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return std::span(all).subspan(begin, ends_[i] - begin);
}

std::string_view ExampleSet::text(int64_t index) const {
  const auto piece_of_text = piece(text_, index);
  return {piece_of_text.data(), piece_of_text.size()};
}

std::span<const uint16_t> ExampleSet::ids(int64_t index) const { return piece(ids_, index); }

std::span<const float> ExampleSet::numbers(int64_t index) const { return piece(numbers_, index); }

}  // namespace subband
