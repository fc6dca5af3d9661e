#include "experiments/interchange/waveletlm/flat_config.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <optional>

#include "core/text.h"
#include "experiments/interchange/waveletlm/newer_features.h"

namespace subband::waveletlm {

using config::Node;

namespace {

constexpr const char* kOriginal = "default of WaveletLM";

// What the two flags of the bypass were called before it had its name.
const std::map<std::string, std::string, std::less<>>& earlier_names() {
  static const std::map<std::string, std::string, std::less<>> names = {
      {"semantic_feedback", "decompose_bypass"},
      {"semantic_feedback_cross_window", "decompose_bypass_cross_window"}};
  return names;
}

// The switch of the removed feature that a key belongs to, or null.
const char* switch_of_removed_feature(std::string_view key) {
  if (key.starts_with("iterative_refinement")) return "iterative_refinement";
  return key.starts_with("cross_time_feedback") ? "cross_time_feedback" : nullptr;
}

Node standard_value(const FlatKey& row) {
  if (row.standard == nullptr || *row.standard == '\0') return {};
  Node value = config::parse_yaml(row.standard, row.key);
  value.place = {std::make_shared<const std::string>(kOriginal)};
  return value;
}

const char* type_text(FlatType type) {
  switch (type) {
    case FlatType::boolean:
      return "expected true or false";
    case FlatType::integer:
      return "expected a whole number";
    case FlatType::number:
      return "expected a number";
    case FlatType::text:
      return "expected text";
    case FlatType::list:
      break;
  }
  return "expected a list or null";
}

bool fits(FlatType type, const Node& value) {
  switch (type) {
    case FlatType::boolean:
      return value.is(Node::Kind::boolean);
    case FlatType::integer:
      return value.is(Node::Kind::integer);
    case FlatType::number:
      return value.is(Node::Kind::integer) || value.is(Node::Kind::number);
    case FlatType::text:
      return value.is(Node::Kind::string);
    case FlatType::list:
      break;
  }
  return value.is(Node::Kind::list) || value.is(Node::Kind::null);
}

// A value of the right type, so that conversion can go on and find more mistakes.
Node stand_in(FlatType type) {
  switch (type) {
    case FlatType::boolean:
      return Node(false);
    case FlatType::integer:
      return Node(int64_t{1});
    case FlatType::number:
      return Node(1.0);
    case FlatType::text:
      return Node("");
    case FlatType::list:
      break;
  }
  return {};
}

std::optional<std::string> nearest_known(const std::string& key) {
  std::vector<std::string> known;
  for (const FlatKey& row : flat_keys()) known.emplace_back(row.key);
  return nearest(key, known);
}

std::string unknown_key(const std::string& key) {
  const auto near = nearest_known(key);
  return key + ": unknown key; " +
         (near ? "did you mean '" + *near + "'?" : "WaveletLM has none of this name");
}

}  // namespace

FlatConfig::FlatConfig(const Node& root, config::Warnings& warnings) : warnings_(warnings) {
  recipe_.place = root.place;
  for (const FlatKey& row : flat_keys()) readings_.push_back({&row, standard_value(row)});
  read(root);
  for (Reading& reading : readings_) {
    if (reading.written)
      check_type(reading);
    else if (reading.row->standard == nullptr) {
      problems_.push_back({root.place.source ? *root.place.source : "",
                           std::string(reading.row->key) + ": missing; WaveletLM has no default for it",
                           "missing_value"});
      reading.value = stand_in(reading.row->type);
    }
  }
}

void FlatConfig::read(const Node& root) {
  for (const config::Entry& entry : root.entries()) {
    const auto renamed = earlier_names().find(entry.key);
    const std::string& key = renamed == earlier_names().end() ? entry.key : renamed->second;
    const auto reading = std::ranges::find_if(readings_, [&](const Reading& r) { return r.row->key == key; });
    const std::string place = entry.key_place.text();
    if (reading != readings_.end() && !reading->written) {
      reading->value = entry.value;
      reading->written = true;
      if (reading->row->remark) warnings_.push_back(place + ": " + entry.key + ": " + reading->row->remark);
    } else if (reading != readings_.end()) {
      problems_.push_back(
          {place, entry.key + ": is given twice, once by its earlier name", "already_exists"});
    } else if (const char* removed = switch_of_removed_feature(entry.key)) {
      const Node* its_switch = root.find(removed);
      if (is_off(entry.value) || (its_switch && is_off(*its_switch)))
        warnings_.push_back(place + ": " + entry.key +
                            ": of a feature that WaveletLM has removed; it is off");
      else
        problems_.push_back({place,
                             entry.key + " = " + config::brief(entry.value) +
                                 ": of a feature that WaveletLM has removed; only false can be read",
                             "bad_value"});
    } else if (const auto feature = newer_feature_of(entry.key, root)) {
      read_newer(*feature, entry, root);
    } else {
      read_unknown(entry);
    }
  }
}

// Of a feature that is on its switch alone is refused; what sets it goes with it.
void FlatConfig::read_newer(const NewerFeature& feature, const config::Entry& entry, const Node& root) {
  const std::string place = entry.key_place.text();
  const Node* its_switch = root.find(feature.switch_key);
  if (its_switch == nullptr || is_off(*its_switch, feature.off))
    warnings_.push_back(place + ": " + entry.key + ": of a feature of newer WaveletLM that is not here; it is off");
  else if (entry.key == feature.switch_key)
    problems_.push_back({place,
                         entry.key + " = " + config::brief(entry.value) +
                             ": turns on a feature of newer WaveletLM that is not here; only " +
                             (feature.off.empty() ? "\"\"" : feature.off) + " can be read",
                         "bad_value"});
}

// A switch that nothing here knows does no harm where it is off, unless it is a slip of the finger.
void FlatConfig::read_unknown(const config::Entry& entry) {
  const std::string place = entry.key_place.text();
  if (is_off(entry.value) && !nearest_known(entry.key))
    warnings_.push_back(place + ": " + entry.key + ": unknown here; it is off");
  else
    problems_.push_back({place, unknown_key(entry.key), "unknown_key"});
}

void FlatConfig::check_type(Reading& reading) {
  Node& value = reading.value;
  const FlatType type = reading.row->type;
  const bool is_whole = value.is(Node::Kind::number) && value.number() == std::floor(value.number()) &&
                        std::abs(value.number()) < 1e15;
  if (type == FlatType::integer && is_whole) {
    const config::Place place = value.place;
    value = Node(static_cast<int64_t>(value.number()));
    value.place = place;
  }
  if (fits(type, value)) return;
  complain(reading.row->key, type_text(type));
  value = stand_in(type);
}

const FlatConfig::Reading& FlatConfig::find(std::string_view key) const {
  const auto found = std::ranges::find_if(readings_, [&](const Reading& r) { return r.row->key == key; });
  assert(found != readings_.end());
  return *found;
}

const Node& FlatConfig::value(std::string_view key) const { return find(key).value; }
bool FlatConfig::is_written(std::string_view key) const { return find(key).written; }

void FlatConfig::put(const std::string& path, const Node& value) {
  const bool is_of_cell = path.starts_with("net.") && is_on("multinodal_enabled");
  recipe_.set_at(is_of_cell ? "net.cell." + path.substr(4) : path, value);
}

void FlatConfig::put(const std::string& path, Node value, const Node& from) {
  value.place = from.place;
  put(path, value);
}

void FlatConfig::put_net(const std::string& field, const Node& value) {
  recipe_.set_at("net." + field, value);
}

void FlatConfig::remark(std::string_view key, const std::string& what) {
  const std::string place = value(key).place.text();
  warnings_.push_back(place + ": " + std::string(key) + ": " + what);
}

void FlatConfig::complain(std::string_view key, const std::string& rule) {
  const Node& written = value(key);
  problems_.push_back(
      {written.place.text(), std::string(key) + " = " + config::brief(written) + ": " + rule, "bad_value"});
}

Node FlatConfig::finish() {
  for (const Reading& reading : readings_) {
    const FlatKey& row = *reading.row;
    const bool is_absent = !reading.written && row.standard != nullptr && *row.standard == '\0';
    if (is_absent) continue;
    if (row.convert != nullptr)
      row.convert(*this, reading.value);
    else if (*row.ours != '\0')
      put(row.ours, reading.value);
  }
  if (!problems_.empty()) throw ConfigError(problems_);
  return std::move(recipe_);
}

}  // namespace subband::waveletlm
