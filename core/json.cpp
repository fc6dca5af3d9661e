#include "core/json.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "core/what_is.h"

namespace subband {

namespace {

constexpr size_t kMostLevels =
    1000;  // above what a composed spec has, below what fills the stack when a value is copied
constexpr size_t kFewKeys = 16;  // up to here keys are compared one after the other

// Stands for a word of Infinity or NaN: a string of DELs, as long as the word.
constexpr char kStandIn = '\x7f';
constexpr std::string_view kNaN = "NaN", kInfinity = "Infinity", kMinusInfinity = "-Infinity";

// Builds the value from the library's events (nlohmann::json_sax names them), and stops at what must not be.
class Builder {
 public:
  explicit Builder(bool has_stand_ins) : has_stand_ins_(has_stand_ins) {}

  Json take() { return std::move(root_); }
  const std::string& complaint() const { return complaint_; }
  bool is_at_key() const { return is_at_key_; }
  size_t position() const { return position_; }  // of malformed text, from 1; 0: the builder itself stopped

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& text) {
    if (has_stand_ins_ && !text.empty() && text.find_first_not_of(kStandIn) == std::string::npos)
      return add(number_of_stand_in(text.size() + 2));
    return add(std::move(text));
  }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(size_t) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    Level& level = levels_.back();
    if (!is_new(level, name)) {
      is_at_key_ = true;
      return stop(json_brief(name) + ": is given twice");
    }
    auto& entries = level.value->get_ref<Json::object_t&>();
    static_cast<Json::object_t::Container&>(entries).emplace_back(std::move(name),
                                                                  nullptr);  // no second search
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& wrong) {
    position_ = std::max<size_t>(position, 1);
    complaint_ = wrong.id == 406 ? "a number beyond what can be held" : "is no JSON from here on";
    return false;
  }

 private:
  struct Level {
    Json* value;
    std::unique_ptr<std::unordered_set<std::string>> keys = {};  // where there are many
  };

  static double number_of_stand_in(size_t length) {
    if (length == kNaN.size()) return std::nan("");
    return length == kInfinity.size() ? HUGE_VAL : -HUGE_VAL;
  }

  static bool is_new(Level& level, const std::string& name) {
    const auto& entries = level.value->get_ref<const Json::object_t&>();
    if (entries.size() < kFewKeys)
      return std::ranges::none_of(entries, [&](const auto& entry) { return entry.first == name; });
    if (!level.keys) {
      level.keys = std::make_unique<std::unordered_set<std::string>>();
      for (const auto& entry : entries) level.keys->insert(entry.first);
    }
    return level.keys->insert(name).second;
  }

  Json* place(Json&& value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& into = *levels_.back().value;
    if (into.is_array()) {
      auto& items = into.get_ref<Json::array_t&>();
      items.push_back(std::move(value));
      return &items.back();
    }
    Json& last = into.get_ref<Json::object_t&>().back().second;
    last = std::move(value);
    return &last;
  }
  bool add(Json&& value) {
    place(std::move(value));
    return true;
  }
  bool open(Json&& value) {
    if (levels_.size() >= kMostLevels) return stop("nests deeper than 1000 levels");
    levels_.push_back({place(std::move(value))});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }
  bool stop(std::string complaint) {
    complaint_ = std::move(complaint);
    return false;
  }

  bool has_stand_ins_;
  Json root_;
  std::vector<Level> levels_;
  std::string complaint_;
  bool is_at_key_ = false;
  size_t position_ = 0;
};

// An iterator that leaves behind how far it has come.
struct Tracked {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  const char* at = nullptr;
  const char** furthest = nullptr;
  reference operator*() const { return *at; }
  Tracked& operator++() {
    *furthest = ++at;
    return *this;
  }
  Tracked operator++(int) {
    Tracked before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Tracked& other) const { return at == other.at; }
  bool operator!=(const Tracked& other) const { return at != other.at; }
};

// Where the builder stopped: of the bracket, or of the quote before a key. The library does not say, so it reads again.
size_t stopped_at(std::string_view text, bool has_stand_ins) {
  const char* furthest = text.data();
  Builder builder(has_stand_ins);
  Json::sax_parse(Tracked{text.data(), &furthest}, Tracked{text.data() + text.size(), &furthest}, &builder);
  size_t at = static_cast<size_t>(furthest - text.data());
  if (at > 0) --at;
  if (!builder.is_at_key()) return at;
  for (at -= at > 0; at > 0;
       --at) {  // past the closing quote, to the one that no odd number of backslashes escapes
    size_t slashes = 0;
    while (slashes < at && text[at - 1 - slashes] == '\\') ++slashes;
    if (text[at] == '"' && slashes % 2 == 0) break;
  }
  return at;
}

std::string place_of(const std::string& source, std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0
  return source + ":" + std::to_string(std::ranges::count(before, '\n') + 1) + ":" +
         std::to_string(before.size() - line_start + 1);
}

// Python's three words, outside of strings, as `spelled` says.
template <class Spelled>
std::string respelled(std::string_view text, const Spelled& spelled) {
  std::string changed;
  bool is_quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') is_quoted = !is_quoted;
    const auto begins = [&](std::string_view word) { return text.substr(i).starts_with(word); };
    const std::string_view word = is_quoted                ? ""
                                  : begins(kMinusInfinity) ? kMinusInfinity
                                  : begins(kInfinity)      ? kInfinity
                                  : begins(kNaN)           ? kNaN
                                                           : "";
    if (!word.empty()) {
      changed += spelled(word);
      i += word.size() - 1;
      continue;
    }
    changed += text[i];
    if (is_quoted && text[i] == '\\' && i + 1 < text.size()) changed += text[++i];
  }
  return changed;
}

bool may_hold_words(std::string_view text) {
  return text.find(kNaN) != std::string_view::npos || text.find(kInfinity) != std::string_view::npos;
}

// The text with the words as stand-ins of the same length; nothing where it has none, or DELs of its own.
std::string with_stand_ins(std::string_view text) {
  if (!may_hold_words(text)) return {};
  for (const char* own : {"\x7f", "\\u007f", "\\u007F"})
    if (text.find(own) != std::string_view::npos) return {};
  return respelled(text,
                   [](std::string_view word) { return '"' + std::string(word.size() - 2, kStandIn) + '"'; });
}

[[noreturn]] void refuse(const JsonForm& form, Problem problem) {
  if (form.is_spec) throw ConfigError(std::move(problem));
  throw Error(std::move(problem));
}

}  // namespace

Json read_json(std::string_view text, const std::string& source, const JsonForm& form) {
  const std::string changed = form.non_finite ? with_stand_ins(text) : std::string();
  const std::string_view read = changed.empty() ? text : changed;
  Builder builder(!changed.empty());
  if (Json::sax_parse(read.begin(), read.end(), &builder)) return builder.take();
  if (const FileLook look = what_is(text); look.is_known()) refuse(form, {source, look.is("JSON"), "syntax"});
  const size_t at = builder.position() > 0 ? builder.position() - 1 : stopped_at(read, !changed.empty());
  refuse(form, {place_of(source, text, at), builder.complaint(), "syntax"});
}

Json read_json_or_null(std::string_view text) {
  try {
    return read_json(text, "");
  } catch (const Error&) {
    return nullptr;
  }
}

std::string json_as_yaml(std::string_view text) {
  std::string yaml =
      may_hold_words(text)
          ? respelled(text,
                      [](std::string_view word) {
                        std::string spelled = word == kNaN ? ".nan" : word == kInfinity ? ".inf" : "-.inf";
                        spelled.resize(std::max(spelled.size(), word.size()), ' ');
                        return spelled;
                      })
          : std::string(text);
  std::ranges::replace(yaml, '\t', ' ');  // legal indentation in JSON; inside its strings a tab is \t
  return yaml;
}

std::string json_brief(const Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return std::isnan(value.get<double>()) ? "NaN" : value.get<double>() > 0 ? "Infinity" : "-Infinity";
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

}  // namespace subband
