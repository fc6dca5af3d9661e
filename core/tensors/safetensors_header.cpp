#include "core/tensors/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "core/error.h"
#include "core/json.h"
#include "core/what_is.h"

namespace subband {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and used in place");

namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr size_t kMostComplaints = 20;

[[noreturn]] void refuse(const std::string& file, const std::string& what, const std::string& value,
                         const std::string& rule) {
  throw Error(file, what + " = " + value + ": " + rule);
}

// One complaint about one tensor, thrown to the loop that collects them.
struct Complaint {
  std::string text;
};
[[noreturn]] void complain(const std::string& what, const std::string& value, const std::string& rule) {
  throw Complaint{what + " = " + value + ": " + rule};
}

std::string_view header_text(const std::string& file, std::string_view bytes) {
  uint64_t length = 0;
  if (bytes.size() >= kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
  const bool fits =
      bytes.size() >= kLengthBytes && length <= bytes.size() - kLengthBytes && length <= kLongestHeader;
  if (fits) return bytes.substr(kLengthBytes, length);
  if (const FileLook look = what_is(bytes.substr(0, kLookBytes)); look.is_known())
    throw Error(file, look.is("safetensors file"));
  if (bytes.size() < kLengthBytes)
    refuse(file, "size", std::to_string(bytes.size()), "must be at least 8 bytes");
  if (length > kLongestHeader)
    refuse(file, "header length", std::to_string(length), "must be at most 100000000");
  refuse(file, "header length", std::to_string(length),
         "must be at most the " + std::to_string(bytes.size() - kLengthBytes) + " bytes that follow");
}

const SafetensorsType& read_type(const std::string& name, const Json& value) {
  for (const SafetensorsType& known : kSafetensorsTypes)
    if (value == known.name) return known;
  complain(name + ": dtype", json_brief(value), "must be F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
}

// Bytes that a tensor of this shape takes, or nothing where that does not fit 63 bits.
std::optional<uint64_t> bytes_of(const SafetensorsType& type, std::span<const int64_t> shape) {
  auto bytes = static_cast<int64_t>(type.bytes);
  int64_t span = bytes;  // sizes of zero must not hide an overflow: strides are products of the others
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(span, std::max<int64_t>(size, 1), &span)) return {};
    bytes *= size;
  }
  return static_cast<uint64_t>(bytes);
}

SafetensorsEntry read_entry(const std::string& name, const Json& value, uint64_t data_size) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    complain(name, json_brief(value), "must hold dtype, shape and data_offsets");
  const SafetensorsType& type = read_type(name, value["dtype"]);
  SafetensorsEntry entry{.name = name, .type = std::string(type.name)};
  const Json& shape = value["shape"];
  const auto is_size = [](const Json& size) {
    return size.is_number_unsigned() && size.get<uint64_t>() >> 62 == 0;
  };
  if (!shape.is_array() || shape.size() > 64 || !std::all_of(shape.begin(), shape.end(), is_size))
    complain(name + ": shape", json_brief(shape), "must be a list of at most 64 sizes");
  entry.shape = shape.get<std::vector<int64_t>>();
  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    complain(name + ": data_offsets", json_brief(offsets), "must be two byte positions");
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size)
    complain(name + ": data_offsets", json_brief(offsets),
             "must be in order and within the " + std::to_string(data_size) + " bytes of data");
  const std::optional<uint64_t> needed = bytes_of(type, entry.shape);
  if (!needed) complain(name + ": shape", json_brief(shape), "too large");
  if (*needed != entry.end - entry.begin)
    complain(name + ": data_offsets", json_brief(offsets),
             "must span the " + std::to_string(*needed) + " bytes of shape " + json_brief(shape));
  return entry;
}

// The tensors must tile the data: no byte unowned, none owned twice.
void check_tiling(const std::string& file, std::vector<SafetensorsEntry>& entries, uint64_t data_size) {
  std::ranges::sort(entries, [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t position = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin < position)
      refuse(file, entry.name + ": start", std::to_string(entry.begin), "overlaps another tensor");
    if (entry.begin > position)
      refuse(file, entry.name + ": start", std::to_string(entry.begin), "leaves a gap before it");
    position = entry.end;
  }
  if (position != data_size)
    refuse(file, "size of the data", std::to_string(data_size),
           "the tensors end at " + std::to_string(position));
}

std::map<std::string, std::string> read_metadata(const Json& value) {
  const auto is_text = [](const Json& each) { return each.is_string(); };
  if (!value.is_object() || !std::all_of(value.begin(), value.end(), is_text))
    complain("__metadata__", json_brief(value), "must be a map from text to text");
  return value.get<std::map<std::string, std::string>>();
}

}  // namespace

SafetensorsHeader read_safetensors_header(std::string_view bytes, const std::string& file) {
  const std::string_view text = header_text(file, bytes);
  const Json json = read_json(text, file + ": header");
  if (!json.is_object()) refuse(file, "header", json_brief(json), "must be a JSON object");
  SafetensorsHeader header{.data_begin = kLengthBytes + text.size()};
  const uint64_t data_size = bytes.size() - header.data_begin;
  std::vector<Problem> problems;
  size_t left_out = 0;
  for (const auto& [name, value] : json.items()) {
    try {
      if (name == "__metadata__")
        header.metadata = read_metadata(value);
      else
        header.entries.push_back(read_entry(name, value, data_size));
    } catch (const Complaint& complaint) {
      if (problems.size() < kMostComplaints)
        problems.push_back({file, complaint.text});
      else
        ++left_out;
    }
  }
  if (left_out > 0) problems.push_back({file, std::to_string(left_out) + " more tensors are wrong"});
  if (!problems.empty()) throw Error(std::move(problems));
  check_tiling(file, header.entries, data_size);
  return header;
}

}  // namespace subband
