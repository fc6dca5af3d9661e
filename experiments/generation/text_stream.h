// The text of tokens as they are drawn: what can be shown is whole letters, and nothing of a string that ends the text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/tokenizer.h"

namespace subband {

/// Bytes at the end of `text` that begin a letter of UTF-8 and do not end it; bytes that belong to no letter do not count.
size_t unfinished_bytes(std::string_view text);

class TextStream {
 public:
  /// `prompt`: the ids before the first drawn one, which decide whether a piece begins with a space. `tokenizer` must
  /// outlive this.
  TextStream(const Tokenizer& tokenizer, const std::vector<int32_t>& prompt, std::vector<std::string> stops);

  /// What can be shown from now on.
  std::string push(int32_t id);
  /// Whether a stop string came; it belongs to nothing that was shown, and neither does what stands behind it.
  bool stopped() const { return stopped_; }
  /// What was held back, when no token follows.
  std::string finish();

 private:
  std::string shown(std::string text);

  const Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  std::vector<int32_t> pending_;  // behind its first, the anchor, ids whose letters are not all shown
  size_t anchors_ = 0;            // 1 where there is an anchor
  size_t given_ = 0;              // bytes of the pending ids that were handed on
  std::string held_;              // may begin a stop string
  bool stopped_ = false;
};

}  // namespace subband
