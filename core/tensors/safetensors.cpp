#include "core/tensors/safetensors.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/tensors/safetensors_header.h"
#include "core/text.h"

namespace subband {

namespace {

struct NamedType {
  std::string_view name;
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
static_assert(kTypes.size() == std::size(kSafetensorsTypes));

at::ScalarType type_of(const SafetensorsEntry& entry) {
  return std::ranges::find(kTypes, entry.type, &NamedType::name)->type;
}

// Complaints of one file.
struct Refusal {
  std::string file;
  [[noreturn]] void operator()(const std::string& what, const std::string& value,
                               const std::string& rule) const {
    throw Error(file, what + " = " + value + ": " + rule);
  }
};

at::Tensor tensor_of(const Refusal& refuse, const SafetensorsEntry& entry,
                     const std::shared_ptr<MappedFile>& file, const std::byte* data) {
  const at::ScalarType type = type_of(entry);
  const at::TensorOptions options(type);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  const std::span<const std::byte> bytes(data + entry.begin, entry.end - entry.begin);
  if (type == at::kBool) {
    const auto odd = std::ranges::find_if(bytes, [](std::byte byte) { return byte > std::byte{1}; });
    if (odd != bytes.end()) {
      refuse(entry.name + ": byte " + std::to_string(odd - bytes.begin()),
             std::to_string(std::to_integer<int>(*odd)), "a BOOL must be 0 or 1");
    }
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % c10::elementSize(type) != 0) {
    at::Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
    return copy;
  }
  void* place = const_cast<std::byte*>(bytes.data());
  return at::from_blob(
      place, entry.shape, [file](void*) {}, options);
}

std::string_view type_name(const Refusal& refuse, const std::string& name, const at::Tensor& tensor) {
  for (const NamedType& known : kTypes) {
    if (known.type == tensor.scalar_type()) return known.name;
  }
  refuse(name + ": dtype", c10::toString(tensor.scalar_type()), "safetensors cannot hold it");
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& path) {
  const Refusal refuse{path.string()};
  const auto file = std::make_shared<MappedFile>(path);
  const std::span<const std::byte> bytes = file->bytes();
  SafetensorsHeader header =
      read_safetensors_header({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
  Safetensors read{.metadata = std::move(header.metadata)};
  const std::byte* data = bytes.data() + header.data_begin;
  for (const SafetensorsEntry& entry : header.entries)
    read.tensors.emplace(entry.name, tensor_of(refuse, entry, file, data));
  return read;
}

void write_safetensors(const std::filesystem::path& path, const Tensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const Refusal refuse{path.string()};
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__" || !is_utf8(name)) refuse("name", json_brief(name), "cannot name a tensor");
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
  } catch (const nlohmann::json::type_error&) {
    refuse("__metadata__", json_brief(Json(metadata)), "must be UTF-8");
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
