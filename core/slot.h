// Part slots: fields of a Config that hold a part, chosen by name in the spec and made later by the owner.
//   mixer: wersa                      is   mixer: {type: wersa}
//   channel_mixers: {mlp: {expansion: 20}, product_key_memory: {keys: 16384}}
#pragma once
#include <any>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/registry.h"
#include "core/text.h"

namespace subband {

/// The type that a slot's value names: itself when it is a string, else its key `type`; empty where unsaid.
std::string slot_type(Binder& binder, std::string_view key, const config::Node& value);

/// One part. `Slot<Mixer> mixer{"softmax_attention"};` states the default.
template <class Interface>
class Slot {
 public:
  using Context = typename Interface::Context;
  Slot() = default;
  Slot(std::string type) : type_(std::move(type)) {}  // NOLINT: the default reads like a value
  Slot(const char* type) : type_(type) {}             // NOLINT

  const std::string& type() const { return type_; }

  void bind(Binder& binder, std::string_view key, const Context& context, std::string_view help) {
    const config::Node* written = binder.take(key);
    binder.record([&] {
      return FieldInfo{.path = binder.path_of(key),
                       .type = std::string("part of kind ") + Interface::kKind,
                       .standard = config::Node(type_),
                       .part_kind = Interface::kKind,
                       .help = std::string(help)};
    });
    bind_value(binder, key, written, context);
  }

  /// Makes the part; after bind only.
  std::shared_ptr<Interface> make(const Context& context) const {
    assert(entry_ != nullptr);
    return entry_->make(config_, context);
  }

  void bind_value(Binder& binder, std::string_view key, const config::Node* written, const Context& context) {
    using config::Node;
    const auto& known = binder.session().registry->template of<Interface>();
    std::string type = written ? slot_type(binder, key, *written) : type_;
    if (type.empty()) type = type_;
    const auto* entry = known.find(type);
    if (entry == nullptr) {
      const auto names = known.names();
      binder.complain(key, written ? written : nullptr,
                      std::string(type.empty() ? "needs a " : "unknown ") + Interface::kKind +
                          (type.empty() ? "" : " '" + type + "'") + suggestion(type, names),
                      "unknown_option");
      return;
    }
    type_ = type;
    entry_ = entry;
    binder.session().parts.push_back(
        {binder.path_of(key), std::string(Interface::kKind) + ":" + type, entry->info.version});
    static const Node kEmpty = Node::map();
    const bool is_map = written != nullptr && written->is(Node::Kind::map);
    Binder inner = binder.nested(key, is_map ? *written : kEmpty);
    if (is_map) inner.take("type");
    Node named(type);
    if (written) named.place = written->place;
    inner.resolve("type", std::move(named));
    config_ = entry->bind(inner, context);
    inner.finish_keys();
  }

 private:
  std::string type_;
  std::any config_;
  const typename KindRegistry<Interface>::Entry* entry_ = nullptr;
};

/// A part outside of any spec, bound to `value` as a spec would write it: a name, or a map. ConfigError with every
/// complaint; they call it `key`.
template <class Interface>
Slot<Interface> bind_part(const Registry& registry, config::Node value,
                          const typename Interface::Context& context = {},
                          std::string_view key = Interface::kKind) {
  config::Node root = config::Node::map(), resolved;
  root.set(std::string(key), std::move(value));
  BindSession session{.registry = &registry};
  Binder binder(session, root, resolved);
  Slot<Interface> slot;
  slot.bind(binder, key, context, "");
  session.finish();
  return slot;
}

/// The same, made.
template <class Interface>
std::shared_ptr<Interface> make_part(const Registry& registry, config::Node value,
                                     const typename Interface::Context& context = {},
                                     std::string_view key = Interface::kKind) {
  return bind_part<Interface>(registry, std::move(value), context, key).make(context);
}

/// Parts of one kind side by side, in the order of their labels; the label is the type unless `type` says otherwise.
template <class Interface>
class Slots {
 public:
  using Context = typename Interface::Context;
  using Labelled = std::pair<std::string, Slot<Interface>>;
  Slots() = default;
  /// The default labels, each with its part's defaults.
  Slots(std::initializer_list<const char*> labels) {
    for (const char* label : labels) slots_.emplace_back(label, Slot<Interface>(label));
  }

  const std::vector<Labelled>& all() const { return slots_; }
  bool empty() const { return slots_.empty(); }

  /// A map that is written replaces the default labels.
  void bind(Binder& binder, std::string_view key, const Context& context, std::string_view help) {
    using config::Node;
    const Node* written = binder.take(key);
    binder.record([&] {
      Node standard = Node::map();
      for (const auto& [label, slot] : slots_) standard.set(label, Node::map());
      return FieldInfo{.path = binder.path_of(key),
                       .type = std::string("map of parts of kind ") + Interface::kKind,
                       .standard = standard,
                       .part_kind = Interface::kKind,
                       .help = std::string(help)};
    });
    if (written && !written->is(Node::Kind::map)) {
      binder.complain(key, written, std::string("expected a map from label to ") + Interface::kKind);
      written = nullptr;
    }
    if (written) slots_.clear();
    static const Node kEmpty = Node::map();
    Binder inner = binder.nested(key, written ? *written : kEmpty);
    if (written) {
      for (const auto& entry : written->entries()) slots_.emplace_back(entry.key, Slot<Interface>(entry.key));
    }
    for (auto& [label, slot] : slots_) slot.bind_value(inner, label, inner.take(label), context);
    inner.finish_keys();
  }

 private:
  std::vector<Labelled> slots_;
};

}  // namespace subband
