#include "experiments/generation/text_stream.h"

#include <algorithm>

namespace subband {

namespace {

// SentencePiece writes this in place of a letter whose bytes are not all there.
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr size_t kLongestLetter = 4;

size_t letter_bytes(unsigned char first) {
  return first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
}

}  // namespace

size_t unfinished_bytes(std::string_view text) {
  for (size_t back = 1; back < kLongestLetter && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    return byte < 0xF8 && letter_bytes(byte) > back ? back : 0;
  }
  return 0;
}

TextStream::TextStream(const Tokenizer& tokenizer, const std::vector<int32_t>& prompt, std::vector<std::string> stops)
    : tokenizer_(tokenizer), stops_(std::move(stops)) {
  std::erase(stops_, "");
  if (!prompt.empty()) pending_ = {prompt.back()}, anchors_ = 1;
}

std::string TextStream::push(int32_t id) {
  pending_.push_back(id);
  const std::string before = tokenizer_.decode(std::span(pending_).first(anchors_));
  std::string text = tokenizer_.decode(pending_);
  text = text.starts_with(before) ? text.substr(before.size())
                                  : tokenizer_.decode(std::span(pending_).subspan(anchors_));
  const bool is_replaced = text.ends_with(kReplacement) && pending_.size() - anchors_ < kLongestLetter;
  const size_t ready = text.size() - (is_replaced ? kReplacement.size() : unfinished_bytes(text));
  std::string fresh = ready > given_ ? text.substr(given_, ready - given_) : "";
  given_ = std::max(given_, ready);
  if (ready == text.size()) pending_ = {id}, anchors_ = 1, given_ = 0;
  return shown(std::move(fresh));
}

// Everything but the longest end that may yet become a stop string.
std::string TextStream::shown(std::string text) {
  if (stopped_) return "";
  held_ += text;
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    stopped_ = true;
    return held_.substr(0, first);
  }
  size_t kept = 0;
  for (const std::string& stop : stops_)
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > kept; --n)
      if (std::string_view(held_).substr(held_.size() - n) == std::string_view(stop).substr(0, n)) kept = n;
  std::string ready = held_.substr(0, held_.size() - kept);
  held_.erase(0, ready.size());
  return ready;
}

std::string TextStream::finish() {
  if (stopped_) return "";
  const std::string before = tokenizer_.decode(std::span(pending_).first(anchors_));
  const std::string text = tokenizer_.decode(pending_);
  const size_t from = before.size() + given_;
  std::string rest = std::exchange(held_, "");
  if (pending_.size() > anchors_ && text.starts_with(before) && text.size() > from) rest += text.substr(from);
  pending_.clear(), anchors_ = given_ = 0;
  return rest;
}

}  // namespace subband
