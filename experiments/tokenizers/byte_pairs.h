// Byte-pair encoding of one piece of text: the merge table and the merge loop.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace subband {

/// Ids 0 to 255 are the bytes in GPT-2's order (printable ones first), 256 + r is the result of the merge of
/// rank r.
class BytePairs {
 public:
  /// `merges`: GPT-2's vocab.bpe, a version line and then one merge a line, best first, in its alphabet of
  /// printable characters for bytes. Error at `place:line` when a line is no merge of known tokens.
  BytePairs(std::string_view merges, const std::string& place);

  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  /// The bytes of a token; `id` must be below size().
  std::string_view bytes_of(int32_t id) const { return bytes_[static_cast<size_t>(id)]; }
  /// Appends the ids of `piece`: the pair of lowest rank is merged first, the leftmost of equals, until none
  /// is left. Cost n^2 for short pieces without touching the heap, n log n for long ones.
  void encode(std::string_view piece, std::vector<int32_t>& ids) const;

 private:
  static constexpr int32_t kNone = INT32_MAX;
  static uint64_t pair_key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  int32_t merged(int32_t left, int32_t right) const {
    const auto found = merges_.find(pair_key(left, right));
    return found == merges_.end() ? kNone : found->second;
  }
  void encode_short(std::string_view piece, std::vector<int32_t>& ids) const;
  void encode_long(std::string_view piece, std::vector<int32_t>& ids) const;

  std::vector<std::string> bytes_;                // by id
  std::vector<int32_t> id_of_byte_;               // 256
  std::unordered_map<uint64_t, int32_t> merges_;  // pair of ids -> id
};

}  // namespace subband
