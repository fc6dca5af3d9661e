#include "core/tensors/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"

namespace subband {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and used in place");

namespace {

using Json = nlohmann::json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit

struct NamedType {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<NamedType, 10> kTypes = {{{"F64", at::kDouble},
                                               {"F32", at::kFloat},
                                               {"F16", at::kHalf},
                                               {"BF16", at::kBFloat16},
                                               {"I64", at::kLong},
                                               {"I32", at::kInt},
                                               {"I16", at::kShort},
                                               {"I8", at::kChar},
                                               {"U8", at::kByte},
                                               {"BOOL", at::kBool}}};

// One tensor as the header describes it.
struct Entry {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Complaints of one file.
struct Refusal {
  std::string file;
  [[noreturn]] void operator()(const std::string& what, const std::string& value,
                               const std::string& rule) const {
    throw Error(file, what + " = " + value + ": " + rule);
  }
};

// The start of a JSON value, short enough for one line, whatever bytes it holds.
std::string excerpt(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

Json parse_header(const Refusal& refuse, std::string_view text) {
  std::vector<std::set<std::string>> seen;
  std::optional<std::string> twice;
  const auto watch_keys = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end) seen.pop_back();
    if (event == Json::parse_event_t::key && !seen.back().insert(parsed.get<std::string>()).second) {
      twice = excerpt(parsed);
    }
    return true;
  };
  Json header;
  try {
    header = Json::parse(text.begin(), text.end(), watch_keys);
  } catch (const Json::parse_error& wrong) {
    refuse("header", "damaged at byte " + std::to_string(kLengthBytes + wrong.byte), "must be JSON");
  }
  if (twice) refuse("header", *twice, "a name stands there twice");
  if (!header.is_object()) refuse("header", excerpt(header), "must be a JSON object");
  return header;
}

std::string_view header_text(const Refusal& refuse, std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes) refuse("size", std::to_string(bytes.size()), "must be at least 8 bytes");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kLongestHeader) refuse("header length", std::to_string(length), "must be at most 100000000");
  if (length > bytes.size() - kLengthBytes) {
    refuse("header length", std::to_string(length),
           "must be at most the " + std::to_string(bytes.size() - kLengthBytes) + " bytes that follow");
  }
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length};
}

at::ScalarType read_type(const Refusal& refuse, const std::string& name, const Json& value) {
  for (const NamedType& known : kTypes) {
    if (value == known.name) return known.type;
  }
  refuse(name + ": dtype", excerpt(value), "must be F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL");
}

// Bytes that a tensor of this shape takes, or nothing where that does not fit 63 bits.
std::optional<uint64_t> bytes_of(at::ScalarType type, std::span<const int64_t> shape) {
  int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
  int64_t span = bytes;  // sizes of zero must not hide an overflow: strides are products of the others
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(span, std::max<int64_t>(size, 1), &span)) return {};
    bytes *= size;
  }
  return static_cast<uint64_t>(bytes);
}

Entry read_entry(const Refusal& refuse, const std::string& name, const Json& value, uint64_t data_size) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets")) {
    refuse(name, excerpt(value), "must hold dtype, shape and data_offsets");
  }
  Entry entry{.name = name, .type = read_type(refuse, name, value["dtype"])};
  const Json& shape = value["shape"];
  const auto is_size = [](const Json& size) {
    return size.is_number_unsigned() && size.get<uint64_t>() >> 62 == 0;
  };
  if (!shape.is_array() || shape.size() > 64 || !std::all_of(shape.begin(), shape.end(), is_size)) {
    refuse(name + ": shape", excerpt(shape), "must be a list of at most 64 sizes");
  }
  entry.shape = shape.get<std::vector<int64_t>>();
  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    refuse(name + ": data_offsets", excerpt(offsets), "must be two byte positions");
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size) {
    refuse(name + ": data_offsets", excerpt(offsets),
           "must be in order and within the " + std::to_string(data_size) + " bytes of data");
  }
  const std::optional<uint64_t> needed = bytes_of(entry.type, entry.shape);
  if (!needed) refuse(name + ": shape", excerpt(shape), "too large");
  if (*needed != entry.end - entry.begin) {
    refuse(name + ": data_offsets", excerpt(offsets),
           "must span the " + std::to_string(*needed) + " bytes of shape " + excerpt(shape));
  }
  return entry;
}

// The tensors must tile the data: no byte unowned, none owned twice.
void check_tiling(const Refusal& refuse, std::vector<Entry>& entries, uint64_t data_size) {
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < position)
      refuse(entry.name + ": start", std::to_string(entry.begin), "overlaps another tensor");
    if (entry.begin > position)
      refuse(entry.name + ": start", std::to_string(entry.begin), "leaves a gap before it");
    position = entry.end;
  }
  if (position != data_size) {
    refuse("size of the data", std::to_string(data_size), "the tensors end at " + std::to_string(position));
  }
}

at::Tensor tensor_of(const Refusal& refuse, const Entry& entry, const std::shared_ptr<MappedFile>& file,
                     const std::byte* data) {
  const at::TensorOptions options(entry.type);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  const std::span<const std::byte> bytes(data + entry.begin, entry.end - entry.begin);
  if (entry.type == at::kBool) {
    const auto odd = std::ranges::find_if(bytes, [](std::byte byte) { return byte > std::byte{1}; });
    if (odd != bytes.end()) {
      refuse(entry.name + ": byte " + std::to_string(odd - bytes.begin()),
             std::to_string(std::to_integer<int>(*odd)), "a BOOL must be 0 or 1");
    }
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % c10::elementSize(entry.type) != 0) {
    at::Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
    return copy;
  }
  void* place = const_cast<std::byte*>(bytes.data());
  return at::from_blob(
      place, entry.shape, [file](void*) {}, options);
}

std::map<std::string, std::string> read_metadata(const Refusal& refuse, const Json& value) {
  const auto is_text = [](const Json& each) { return each.is_string(); };
  if (!value.is_object() || !std::all_of(value.begin(), value.end(), is_text)) {
    refuse("__metadata__", excerpt(value), "must be a map from text to text");
  }
  return value.get<std::map<std::string, std::string>>();
}

const char* type_name(const Refusal& refuse, const std::string& name, const at::Tensor& tensor) {
  for (const NamedType& known : kTypes) {
    if (known.type == tensor.scalar_type()) return known.name;
  }
  refuse(name + ": dtype", c10::toString(tensor.scalar_type()), "safetensors cannot hold it");
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& path) {
  const Refusal refuse{path.string()};
  const auto file = std::make_shared<MappedFile>(path);
  const std::string_view text = header_text(refuse, file->bytes());
  const Json header = parse_header(refuse, text);
  const uint64_t data_size = file->bytes().size() - kLengthBytes - text.size();
  Safetensors read;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__")
      read.metadata = read_metadata(refuse, value);
    else
      entries.push_back(read_entry(refuse, name, value, data_size));
  }
  check_tiling(refuse, entries, data_size);
  const std::byte* data = file->bytes().data() + kLengthBytes + text.size();
  for (const Entry& entry : entries) read.tensors.emplace(entry.name, tensor_of(refuse, entry, file, data));
  return read;
}

void write_safetensors(const std::filesystem::path& path, const Tensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const Refusal refuse{path.string()};
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__" || !is_utf8(name)) refuse("name", excerpt(name), "cannot name a tensor");
    if (!tensor.defined() || tensor.is_meta() || tensor.layout() != at::kStrided) {
      refuse(name, "a tensor without dense values", "cannot be written");
    }
    const uint64_t end = position + tensor.nbytes();
    header[name] = {{"dtype", type_name(refuse, name, tensor)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::type_error&) {
    refuse("__metadata__", excerpt(Json(metadata)), "must be UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  write_file(path, [&](const Sink& sink) {
    sink(std::as_bytes(std::span(&length, 1)));
    sink(std::as_bytes(std::span(text)));
    for (const auto& [name, tensor] : tensors) {
      const at::Tensor flat = tensor.detach().cpu().contiguous();
      sink({static_cast<const std::byte*>(flat.const_data_ptr()), flat.nbytes()});
    }
  });
}

}  // namespace subband
