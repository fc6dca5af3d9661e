// Labelled sequences: what a classification learns from. No LibTorch.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace subband {

/// What the sequences of a data set are made of; known before any file is read.
struct ExampleForm {
  int64_t classes = 0;     ///< labels are 0 … classes - 1
  int64_t vocabulary = 0;  ///< ids are below it; 0: the sequences are text (to be tokenised) or numbers
  int64_t channels = 0;    ///< numbers a position; 0: the sequences are ids or text
  bool is_text() const { return vocabulary == 0 && channels == 0; }
};

/// The sequences of one split, one after the other in memory. All have the set's form.
class ExampleSet {
 public:
  void add_text(std::string_view text, int64_t label);
  void add_ids(std::span<const uint16_t> ids, int64_t label);
  /// `numbers`: position after position, `channels` of them each.
  void add_numbers(std::span<const float> numbers, int64_t label);

  int64_t size() const { return static_cast<int64_t>(labels_.size()); }
  int64_t label(int64_t index) const { return labels_[static_cast<size_t>(index)]; }
  const std::vector<int64_t>& labels() const { return labels_; }
  std::string_view text(int64_t index) const;
  std::span<const uint16_t> ids(int64_t index) const;
  std::span<const float> numbers(int64_t index) const;

 private:
  void finish(int64_t label);
  template <class T>
  std::span<const T> piece(const std::vector<T>& all, int64_t index) const;

  std::vector<char> text_;
  std::vector<uint16_t> ids_;
  std::vector<float> numbers_;
  std::vector<size_t> ends_;  // of each sequence, in the one store that is used
  std::vector<int64_t> labels_;
};

}  // namespace subband
