#include "core/ops/products/packed_form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/json.h"

namespace subband {

namespace {

constexpr std::string_view kPackedPrefix = "packed/";
constexpr int64_t kMostRowsOrColumns = int64_t{1}
                                       << 40;  // what a row's bytes times rows cannot overflow is below it

std::optional<int64_t> group_named(const std::string& word) {
  if (word == "tensor") return PackedForm::kTensor;
  if (word == "row") return PackedForm::kRow;
  for (const int64_t size : {32, 64, 128, 256})
    if (word == std::to_string(size)) return size;
  return {};
}

// One complaint about one form, thrown to the loop that collects them.
struct FormComplaint {
  std::string text;
};

int64_t size_in(const Json& form, const char* key) {
  const Json& value = form.at(key);
  if (!value.is_number_unsigned() || value.get<uint64_t>() < 1 || value.get<uint64_t>() > kMostRowsOrColumns)
    throw FormComplaint{fmt::format("{} = {}: must be a size above 0", key, json_brief(value))};
  return value.get<int64_t>();
}

PackedForm form_of(const Json& json) {
  static const char* const kKeys[] = {"rows", "columns", "bits", "group", "symmetric"};
  const auto has = [&](const char* key) { return json.contains(key); };
  if (!json.is_object() || json.size() != std::size(kKeys) || !std::ranges::all_of(kKeys, has))
    throw FormComplaint{json_brief(json) + ": must hold rows, columns, bits, group and symmetric"};
  PackedForm form{.rows = size_in(json, "rows"), .columns = size_in(json, "columns")};
  const Json &bits = json.at("bits"), &group = json.at("group"), &symmetric = json.at("symmetric");
  if (bits != 8 && bits != 4 && bits != 3 && bits != 2)
    throw FormComplaint{"bits = " + json_brief(bits) + ": must be 8, 4, 3 or 2"};
  form.bits = bits.get<int>();
  const auto named = group.is_string() ? group_named(group.get<std::string>()) : std::nullopt;
  if (!named)
    throw FormComplaint{"group = " + json_brief(group) +
                        ": must be tensor, row, 32, 64, 128 or 256, as text"};
  form.group = *named;
  if (!symmetric.is_boolean())
    throw FormComplaint{"symmetric = " + json_brief(symmetric) + ": must be true or false"};
  form.symmetric = symmetric.get<bool>();
  return form;
}

class PackedTensors {
 public:
  explicit PackedTensors(const std::vector<SafetensorsEntry>& entries) {
    for (const SafetensorsEntry& entry : entries) {
      entries_[entry.name] = &entry;
      if (entry.name.starts_with(kPackedPrefix)) unnamed_.insert(entry.name);
    }
  }

  void expect(const std::string& name, const PackedForm& form) {
    if (entries_.contains("model/" + name))
      throw FormComplaint{"stands beside model/" + name + ": must be one of both"};
    const std::vector<int64_t> scales = {form.scale_rows(), form.groups()};
    piece(name, "codes", "U8", {form.rows, form.row_bytes()});
    piece(name, "scales", form.has_groups() ? "F16" : "F32", scales);
    if (!form.symmetric) piece(name, "zeros", "I8", scales);
  }
  const std::set<std::string>& unnamed() const { return unnamed_; }

 private:
  void piece(const std::string& name, const char* word, const std::string& type,
             const std::vector<int64_t>& shape) {
    const auto found = entries_.find(packed_piece(name, word));
    if (found == entries_.end()) throw FormComplaint{fmt::format("has no {}", packed_piece(name, word))};
    const SafetensorsEntry& entry = *found->second;
    if (entry.type != type || entry.shape != shape)
      throw FormComplaint{fmt::format("{}: expected {} [{}], got {} [{}]", word, type, fmt::join(shape, ", "),
                                      entry.type, fmt::join(entry.shape, ", "))};
    unnamed_.erase(entry.name);
  }

  std::map<std::string, const SafetensorsEntry*> entries_;
  std::set<std::string> unnamed_;  // pieces that no form has named yet
};

}  // namespace

int64_t PackedForm::bytes() const {
  return rows * row_bytes() + scale_rows() * groups() * (scale_bytes() + (symmetric ? 0 : 1));
}

std::string PackedForm::text() const {
  const std::string over = group == kTensor ? "one scale"
                           : group == kRow  ? "a scale a row"
                                            : fmt::format("groups of {}", group);
  return fmt::format("{} bits, {}{}", bits, over, symmetric ? "" : ", with zeros");
}

std::string packed_group_text(int64_t group) {
  return group == PackedForm::kTensor ? "tensor" : group == PackedForm::kRow ? "row" : std::to_string(group);
}

int64_t packed_group(const std::string& word, const std::string& place) {
  if (const auto group = group_named(word)) return *group;
  throw ConfigError(place, "--group = " + word + ": must be tensor, row, 32, 64, 128 or 256", "bad_value");
}

std::string packed_piece(const std::string& name, std::string_view piece) {
  return fmt::format("{}{}/{}", kPackedPrefix, name, piece);
}

std::string packed_forms_text(const PackedForms& forms) {
  Json json = Json::object();
  for (const auto& [name, form] : forms)
    json[name] = {{"rows", form.rows},
                  {"columns", form.columns},
                  {"bits", form.bits},
                  {"group", packed_group_text(form.group)},
                  {"symmetric", form.symmetric}};
  return json.dump();
}

PackedForms read_packed_forms(std::string_view text, const std::string& file,
                              const std::vector<SafetensorsEntry>& entries) {
  const Json json = read_json(text, file + ": metadata 'packed'");
  if (!json.is_object())
    throw Error(file, "metadata 'packed' = " + json_brief(json) + ": must be a map from parameter to form");
  PackedTensors tensors(entries);
  PackedForms forms;
  for (const auto& [name, value] : json.items()) {
    try {
      const PackedForm form = form_of(value);
      tensors.expect(name, form);
      forms.emplace(name, form);
    } catch (
        const FormComplaint& complaint) {  // the first says enough of a file that this program did not write
      throw Error(file, "packed " + json_brief(Json(name)) + ": " + complaint.text);
    }
  }
  if (!tensors.unnamed().empty())
    throw Error(file,
                json_brief(Json(*tensors.unnamed().begin())) + ": no form in the metadata 'packed' names it");
  return forms;
}

}  // namespace subband
