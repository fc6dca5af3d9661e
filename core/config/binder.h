// Binds a spec to typed structs. One `bind` function per struct is at once the reader, the range check, the
// reference page and the schema: it names every field with its range and one honest line of help.
//
//   struct Config {
//     int64_t heads = 4;                                  // the default, the only place it is written
//     void bind(Binder& b, const MixerContext& c) {
//       b.field("heads", heads, {1, 256}, "H, attention heads; divides the width");
//       b.check(c.width % heads == 0, "heads", "must divide width = " + std::to_string(c.width));
//     }
//   };
//
// All mistakes of a spec are collected and thrown together by `BindSession::finish`. A field whose value is
// refused keeps its default, so that later checks see a legal struct.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"
#include "core/error.h"

namespace subband {

class Registry;

/// Closed interval of legal numbers; `above`: the low end itself is excluded.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool above = false;
};

/// What a reference page and a schema say of one field.
struct FieldInfo {
  std::string path;       ///< dotted, from the session's root
  std::string type;       ///< boolean, integer, number, string, list of ..., map, part of kind ...
  config::Node standard;  ///< the default
  Range range;
  std::vector<std::string> choices;
  std::string part_kind;  ///< for a part slot: its kind
  bool optional = false;  ///< takes null
  bool cosmetic = false;  ///< does not count for a run's identity
  std::string help;
};

/// A part that a spec really uses.
struct PartUse {
  std::string path;  ///< of its slot
  std::string name;  ///< `mixer:wersa`
  int version = 1;
};

/// A field that specs of before it lack, and the value that it had by default when it came.
struct LaterField {
  std::string path;
  config::Node came_as;
};

/// State of one binding: the parts to choose from, all complaints, and what came out.
struct BindSession {
  const Registry* registry = nullptr;  ///< needed where a struct has part slots
  bool records_fields = true;  ///< without them a complaint of an unknown key knows only its neighbours
  std::vector<Problem> problems;
  std::set<std::string, std::less<>> refused;  ///< paths of the values that they are about
  std::vector<FieldInfo> fields;
  std::vector<PartUse> parts;
  std::vector<std::string> cosmetic_paths;  ///< not part of a run's identity
  std::vector<LaterField> later_fields;     ///< inner ones before those that hold them

  void finish() const;  ///< throws ConfigError with every problem, if there is one
};

class Binder {
 public:
  /// A field that was just bound. `b.field("tied", tied, "…").since(false)`: the field came when there were runs
  /// already, and its default was false. While it still has that value it is not hashed, so those runs keep their
  /// identity (core/config/identity.h). A part is given by its name; a group by an empty map.
  class Bound {
   public:
    Bound(Binder& binder, std::string_view key) : binder_(binder), key_(key) {}
    template <class Value>
    void since(Value came_as) {
      binder_.came_later(key_, config::Node(std::move(came_as)));
    }

   private:
    Binder& binder_;
    std::string_view key_;
  };

  /// `node`: the map to read, null for all defaults. `resolved` becomes the map of every field's final value.
  Binder(BindSession& session, const config::Node& node, config::Node& resolved, std::string path = "");
  Binder(BindSession&, config::Node&&, config::Node&,
         std::string = "") = delete;  // it only refers to the node

  Bound field(std::string_view key, bool& value, std::string_view help);
  Bound field(std::string_view key, int64_t& value, Range range, std::string_view help);
  Bound field(std::string_view key, double& value, Range range, std::string_view help);
  Bound field(std::string_view key, std::string& value, std::string_view help);
  Bound field(std::string_view key, std::optional<int64_t>& value, Range range, std::string_view help);
  Bound field(std::string_view key, std::optional<double>& value, Range range, std::string_view help);
  Bound field(std::string_view key, std::optional<std::string>& value, std::string_view help);
  Bound field(std::string_view key, std::vector<int64_t>& value, Range range, std::string_view help);
  Bound field(std::string_view key, std::vector<double>& value, Range range, std::string_view help);
  Bound field(std::string_view key, std::vector<std::string>& value, std::string_view help);
  /// One word out of `choices`.
  Bound choice(std::string_view key, std::string& value, const std::vector<std::string>& choices,
               std::string_view help);
  /// Any tree, taken as it is (a sweep's overrides, a table of names); the reader checks it further.
  Bound tree(std::string_view key, config::Node& value, std::string_view help);

  /// A nested struct with `bind(Binder&)`.
  template <class Struct>
  Bound group(std::string_view key, Struct& value, std::string_view help) {
    if (auto inner = open(key, help)) value.bind(*inner), inner->finish_keys();
    return {*this, key};
  }
  /// A part: `slot` is `Slot<Interface>`. See core/registry.h.
  template <class Slot, class Context>
  Bound part(std::string_view key, Slot& slot, const Context& context, std::string_view help) {
    slot.bind(*this, key, context, help);
    return {*this, key};
  }
  /// A map from label to part: `slots` is `Slots<Interface>`.
  template <class Slots, class Context>
  Bound parts(std::string_view key, Slots& slots, const Context& context, std::string_view help) {
    slots.bind(*this, key, context, help);
    return {*this, key};
  }

  /// A rule between fields: complains of `key` with `rule` when not `ok`.
  void check(bool ok, std::string_view key, std::string_view rule);
  /// The named fields do not change what a run computes, so they are no part of its identity.
  void cosmetic(std::initializer_list<std::string_view> keys);
  void came_later(std::string_view key, config::Node came_as);  ///< what `since` says
  /// Whether the user wrote the key.
  bool given(std::string_view key) const;
  /// What the user wrote under a dotted path, or nullptr.
  const config::Node* written(std::string_view path) const { return node_.at(path); }
  /// Complains of every key that no field asked for. Called by whoever created the Binder.
  void finish_keys();

  // For slots and others that extend the binder.
  BindSession& session() { return session_; }
  const config::Node* take(std::string_view key);  ///< the written value or nullptr; the key is now known
  void complain(std::string_view key, const config::Node* value, std::string_view rule,
                std::string_view kind = "bad_value");
  std::string path_of(std::string_view key) const;
  config::Node& resolve(std::string_view key, config::Node value);
  /// Notes what `describe` makes, a FieldInfo, where the session records fields.
  template <class Describe>
  void record(const Describe& describe) {
    if (session_.records_fields) session_.fields.push_back(describe());
  }
  Binder nested(std::string_view key, const config::Node& node);  ///< its values land under `key`

 private:
  template <class T, class Describe, class Read>
  void read(std::string_view key, T& value, const Describe& describe, const Read& read_node);
  std::optional<Binder> open(std::string_view key, std::string_view help);

  BindSession& session_;
  const config::Node& node_;
  config::Node& resolved_;
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace subband
