#include "experiments/data/files/token_file.h"

#include <fmt/format.h>

#include <iostream>
#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "core/hash.h"
#include "core/program/progress.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

// What stands before the ids. Numbers are little-endian, as on every machine that LibTorch runs on.
struct TokenHeader {
  std::array<char, 8> magic = kMagic;
  uint64_t id_bytes = 2, tokens = 0, text_bytes = 0, words = 0;
  std::array<char, 64> key{};      // digest of what decides the content
  std::array<char, 64> payload{};  // SHA-256 of the ids
  std::array<char, 64> header{};   // SHA-256 of the fields above

  static constexpr std::array<char, 8> kMagic = {'S', 'B', 'T', 'O', 'K', 'E', 'N', '1'};

  std::string digest() const {
    const auto* first = reinterpret_cast<const char*>(this);
    return sha256_hex(std::string_view(first, offsetof(TokenHeader, header)));
  }
};
static_assert(sizeof(TokenHeader) == 232);

std::array<char, 64> as_array(const std::string& hex) {
  std::array<char, 64> digits{};
  std::ranges::copy_n(hex.begin(), 64, digits.begin());
  return digits;
}

std::string_view as_text(const std::array<char, 64>& digits) { return {digits.data(), digits.size()}; }

// The reason why `bytes` is no intact token file for `key`, or nothing and the header.
std::optional<std::string> damage(std::span<const std::byte> bytes, const std::string& key,
                                  TokenHeader& header) {
  if (bytes.size() < sizeof header) return "shorter than its header";
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != TokenHeader::kMagic) return "not a token file of this version";
  if (as_text(header.header) != header.digest()) return "its header is damaged";
  if (as_text(header.key) != key) return "made for another corpus";
  const auto payload = bytes.subspan(sizeof header);
  if (payload.size() != header.tokens * header.id_bytes) return "cut short or grown";
  if (as_text(header.payload) != Sha256().update(payload).hex()) return "its ids are damaged";
  return {};
}

std::string token_file_key(const Data& data, const Tokenizer& tokenizer, std::string_view split) {
  Sha256 hash;
  const auto add = [&](std::string_view field) {
    hash.update(std::to_string(field.size()) + ":").update(field);
  };
  add("token file 1");
  for (const auto& [file, sha256] : data.manifest()) add(file), add(sha256);
  add(data.layout(split));
  add(split);
  add(tokenizer.fingerprint());
  add(std::to_string(tokenizer.vocabulary()));
  return hash.hex();
}

std::vector<int32_t> encode_with_progress(const Tokenizer& tokenizer, const TextSplit& split,
                                          const std::string& label) {
  const std::string_view text = split.text;
  const auto start = std::chrono::steady_clock::now();
  std::optional<Progress> progress;
  std::vector<int32_t> ids;
  size_t start_of_document = 0;
  const auto watch = [&](size_t done_in_document) {
    const size_t done_bytes = start_of_document + done_in_document;
    if (!progress && done_bytes < text.size() &&
        std::chrono::steady_clock::now() - start > std::chrono::seconds(2))
      progress.emplace("tokenising " + label, "KiB", static_cast<int64_t>(text.size() >> 10));
    if (progress) progress->update(static_cast<int64_t>(done_bytes >> 10));
  };
  const std::vector<size_t> ends = split.ends.empty() ? std::vector<size_t>{text.size()} : split.ends;
  for (const size_t end : ends) {
    tokenizer.encode_watched(text.substr(start_of_document, end - start_of_document), ids, watch);
    start_of_document = end;
  }
  return ids;
}

template <class Id>
void write_token_file(const fs::path& path, TokenHeader header, const std::vector<int32_t>& ids) {
  std::vector<Id> narrow(ids.begin(), ids.end());
  const auto payload = std::as_bytes(std::span(narrow));
  header.id_bytes = sizeof(Id);
  header.payload = as_array(Sha256().update(payload).hex());
  header.header = as_array(header.digest());
  write_file(path, [&](const Sink& sink) {
    sink(std::as_bytes(std::span(&header, 1)));
    sink(payload);
  });
}

void make_token_file(const fs::path& path, const std::string& key, const Data& data,
                     const Tokenizer& tokenizer, std::string_view split) {
  const TextSplit text = data.text(split);
  const auto ids = encode_with_progress(tokenizer, text, data.name() + " " + std::string(split));
  const TokenHeader header{.tokens = ids.size(),
                           .text_bytes = text.text.size(),
                           .words = static_cast<uint64_t>(text.words),
                           .key = as_array(key)};
  if (tokenizer.vocabulary() <= 65536)
    write_token_file<uint16_t>(path, header, ids);
  else
    write_token_file<int32_t>(path, header, ids);
}

// Names come from specs; a file name takes the harmless characters of them.
std::string file_word(std::string_view name) {
  std::string word(name.substr(0, 60));
  for (char& c : word) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return word;
}

}  // namespace

TokenFile::TokenFile(fs::path path, std::string place, const std::string& key)
    : file_(path), path_(std::move(path)), place_(std::move(place)) {
  TokenHeader header;
  if (const auto reason = damage(file_.bytes(), key, header)) throw Error(path_.string(), *reason);
  tokens_ = static_cast<int64_t>(header.tokens);
  bytes_ = static_cast<int64_t>(header.text_bytes);
  words_ = static_cast<int64_t>(header.words);
  narrow_ = header.id_bytes == 2;
}

int64_t TokenFile::window_starts(int64_t length) const {
  if (tokens_ < length + 1)
    throw ConfigError(place_,
                      fmt::format("{} tokens: must hold at least length + 1 = {}", tokens_, length + 1),
                      "bad_value");
  return tokens_ - length;
}

void TokenFile::copy(int64_t first, std::span<int64_t> out) const {
  assert(first >= 0 && first + static_cast<int64_t>(out.size()) <= tokens_);
  const std::byte* payload = file_.bytes().data() + sizeof(TokenHeader);
  if (narrow_) {
    const auto* ids = reinterpret_cast<const uint16_t*>(payload) + first;
    std::copy_n(ids, out.size(), out.begin());
  } else {
    const auto* ids = reinterpret_cast<const int32_t*>(payload) + first;
    std::copy_n(ids, out.size(), out.begin());
  }
}

void TokenFile::gather(std::span<const int64_t> starts, int64_t size, std::span<int64_t> out) const {
  assert(size >= 0 && out.size() == starts.size() * static_cast<size_t>(size));
  const auto row = static_cast<size_t>(size);
  for (size_t r = 0; r < starts.size(); ++r) {
    if (starts[r] < 0 || starts[r] > tokens_ - size)
      throw ConfigError(
          place_,
          fmt::format("window {} to {}: must lie inside its {} tokens", starts[r], starts[r] + size, tokens_),
          "bad_value");
    copy(starts[r], out.subspan(r * row, row));
  }
}

TokenFile open_tokens(const Data& data, const Tokenizer& tokenizer, std::string_view split,
                      const fs::path& cache) {
  const std::string key = token_file_key(data, tokenizer, split);
  const fs::path path =
      cache / fmt::format("{}_{}_{}.tokens", file_word(data.name()), file_word(split), key.substr(0, 16));
  const std::string place = fmt::format("data.{}: split {}", data.name(), split);
  std::error_code none;
  if (fs::exists(path, none)) {
    try {
      return TokenFile(path, place, key);
    } catch (const Error& damaged) {
      std::cerr << fmt::format("{}; made again\n", damaged.what());
    }
  }
  make_token_file(path, key, data, tokenizer, split);
  return TokenFile(path, place, key);
}

}  // namespace subband
