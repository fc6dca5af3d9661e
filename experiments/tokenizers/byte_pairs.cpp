#include "experiments/tokenizers/byte_pairs.h"

#include <array>
#include <queue>
#include <span>

#include "core/error.h"

namespace subband {

namespace {

constexpr size_t kShort = 64;  // longest piece that the quadratic loop takes

// GPT-2 writes a byte as one character: itself where it is printable, else the next one from U+0100 on.
struct ByteAlphabet {
  std::array<int, 256> byte_of_id{};
  std::unordered_map<std::string, int> byte_of_character;

  ByteAlphabet() {
    size_t id = 0;
    std::array<bool, 256> printable{};
    for (const auto& [first, last] : {std::pair{0x21, 0x7e}, std::pair{0xa1, 0xac}, std::pair{0xae, 0xff}}) {
      for (int byte = first; byte <= last; ++byte) {
        printable[static_cast<size_t>(byte)] = true;
        byte_of_id[id++] = byte;
        byte_of_character[utf8(byte)] = byte;
      }
    }
    int next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      if (printable[static_cast<size_t>(byte)]) continue;
      byte_of_id[id++] = byte;
      byte_of_character[utf8(next++)] = byte;
    }
  }

  static std::string utf8(int code) {  // below U+0800
    if (code < 0x80) return {static_cast<char>(code)};
    return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
  }

  // The bytes that `word` stands for; empty when it is not written in the alphabet.
  std::string bytes(std::string_view word) const {
    std::string out;
    for (size_t i = 0; i < word.size();) {
      const size_t length = (word[i] & 0x80) == 0 ? 1 : 2;
      const auto found = byte_of_character.find(std::string(word.substr(i, length)));
      if (found == byte_of_character.end()) return {};
      out += static_cast<char>(found->second);
      i += length;
    }
    return out;
  }
};

}  // namespace

BytePairs::BytePairs(std::string_view merges, const std::string& place) : id_of_byte_(256) {
  const ByteAlphabet alphabet;
  std::unordered_map<std::string, int32_t> ids;
  const auto add = [&](std::string bytes) {
    const auto id = static_cast<int32_t>(bytes_.size());
    ids.emplace(bytes, id);
    bytes_.push_back(std::move(bytes));
    return id;
  };
  for (const int byte : alphabet.byte_of_id)
    id_of_byte_[static_cast<size_t>(byte)] = add(std::string(1, static_cast<char>(byte)));
  merges_.reserve(merges.size() / 6);
  for (int64_t line_number = 1; !merges.empty(); ++line_number) {
    const std::string_view line = merges.substr(0, merges.find('\n'));
    merges.remove_prefix(std::min(merges.size(), line.size() + 1));
    if (line_number == 1 && line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    const std::string left = alphabet.bytes(line.substr(0, space));
    const std::string right = space == line.npos ? "" : alphabet.bytes(line.substr(space + 1));
    const auto left_id = ids.find(left), right_id = ids.find(right);
    if (left_id == ids.end() || right_id == ids.end())
      throw Error(place + ":" + std::to_string(line_number),
                  "merge = " + std::string(line) + ": must be two tokens of the lines before");
    const uint64_t pair = pair_key(left_id->second, right_id->second);
    merges_.emplace(pair, add(left + right));
  }
}

void BytePairs::encode(std::string_view piece, std::vector<int32_t>& ids) const {
  if (piece.size() <= kShort)
    encode_short(piece, ids);
  else
    encode_long(piece, ids);
}

void BytePairs::encode_short(std::string_view piece, std::vector<int32_t>& ids) const {
  std::array<int32_t, kShort + 1> part;   // ids so far
  std::array<int32_t, kShort + 1> merge;  // merge[i]: what part[i] and part[i + 1] become; kNone for the last
  size_t count = piece.size();
  for (size_t i = 0; i < count; ++i) part[i] = id_of_byte_[static_cast<unsigned char>(piece[i])];
  for (size_t i = 0; i < count; ++i) merge[i] = i + 1 < count ? merged(part[i], part[i + 1]) : kNone;
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i)
      if (merge[i] < merge[best]) best = i;
    if (merge[best] == kNone) break;
    part[best] = merge[best];
    --count;
    for (size_t i = best + 1; i < count; ++i) part[i] = part[i + 1], merge[i] = merge[i + 1];
    merge[best] = best + 1 < count ? merged(part[best], part[best + 1]) : kNone;
    if (best > 0) merge[best - 1] = merged(part[best - 1], part[best]);
  }
  ids.insert(ids.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
}

// A doubly linked list of parts and a queue of merges; a queued merge that no longer fits its place is passed
// over.
void BytePairs::encode_long(std::string_view piece, std::vector<int32_t>& ids) const {
  struct Part {
    int32_t id;
    size_t previous, next;
  };
  struct Candidate {
    int32_t merge;
    size_t at;
    bool operator>(const Candidate& other) const {
      return merge != other.merge ? merge > other.merge : at > other.at;
    }
  };
  const size_t end = piece.size();
  std::vector<Part> parts(end);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  for (size_t i = 0; i < end; ++i)
    parts[i] = {id_of_byte_[static_cast<unsigned char>(piece[i])], i - 1, i + 1};
  const auto merge_at = [&](size_t i) {
    return parts[i].next < end ? merged(parts[i].id, parts[parts[i].next].id) : kNone;
  };
  const auto enqueue = [&](size_t i) {
    const int32_t merge = merge_at(i);
    if (merge != kNone) queue.push({merge, i});
  };
  for (size_t i = 0; i < end; ++i) enqueue(i);
  while (!queue.empty()) {
    const auto [merge, i] = queue.top();
    queue.pop();
    if (parts[i].id < 0 || merge_at(i) != merge) continue;
    const size_t gone = parts[i].next;
    parts[i].id = merge;
    parts[i].next = parts[gone].next;
    parts[gone].id = -1;
    if (parts[i].next < end) parts[parts[i].next].previous = i;
    enqueue(i);
    if (i > 0) enqueue(parts[i].previous);
  }
  for (size_t i = 0; i < end; i = parts[i].next) ids.push_back(parts[i].id);
}

}  // namespace subband
