// The registry of parts: which names each kind knows, how each part is configured, and how it is made.
// An interface names its kind and its context:
//
//   class Mixer : public torch::nn::Module {
//    public:
//     static constexpr const char* kKind = "mixer";
//     using Context = MixerContext;   // what the surroundings impose; default-constructible
//   };
//   using MixerRegistry = KindRegistry<Mixer>;
//
// A part registers itself from its own file; the list of files is in the folder's CMakeLists.txt:
//
//   void add_to(MixerRegistry& r) { r.add<Performer, Config>({.name = "performer", .summary = "..."}); }
//
// `Performer(const Config&, const MixerContext&)` builds it. Nothing registers by static object.
#pragma once
#include <any>
#include <cassert>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/binder.h"

namespace subband {

/// What `list` and `describe` say of a part, besides its fields.
struct PartInfo {
  std::string name;
  std::string summary;  ///< one sentence
  std::string source;   ///< paper, section; or `ours, <why>`
  std::string cost;     ///< flops, memory, decoding state, as formulas
  int version = 1;      ///< raised when the same config computes something else
};

/// One kind of part, without its interface.
class Kind {
 public:
  explicit Kind(std::string name) : name_(std::move(name)) {}
  virtual ~Kind() = default;
  const std::string& name() const { return name_; }
  virtual std::vector<std::string> names() const = 0;             ///< sorted
  virtual const PartInfo* info(std::string_view part) const = 0;  ///< nullptr where unknown
  /// Binds the part's fields in a default context, for reference pages and schemas.
  virtual void describe(std::string_view part, Binder& binder) const = 0;

 private:
  std::string name_;
};

template <class Interface>
class KindRegistry final : public Kind {
 public:
  using Context = typename Interface::Context;
  struct Entry {
    PartInfo info;
    std::function<std::any(Binder&, const Context&)> bind;
    std::function<std::shared_ptr<Interface>(const std::any&, const Context&)> make;
  };

  KindRegistry() : Kind(Interface::kKind) {}

  template <class Class, class Config>
  void add(PartInfo info) {
    Entry entry;
    entry.bind = [](Binder& binder, const Context& context) -> std::any {
      Config config;
      if constexpr (requires { config.bind(binder, context); })
        config.bind(binder, context);
      else
        config.bind(binder);
      return config;
    };
    entry.make = [](const std::any& config, const Context& context) -> std::shared_ptr<Interface> {
      return std::make_shared<Class>(std::any_cast<const Config&>(config), context);
    };
    const std::string name = info.name;
    entry.info = std::move(info);
    if (!entries_.emplace(name, std::move(entry)).second)
      throw std::logic_error("registry: " + this->name() + " '" + name + "' is registered twice");
  }

  const Entry* find(std::string_view part) const {
    const auto found = entries_.find(part);
    return found == entries_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }
  const PartInfo* info(std::string_view part) const override {
    const Entry* entry = find(part);
    return entry ? &entry->info : nullptr;
  }
  void describe(std::string_view part, Binder& binder) const override { find(part)->bind(binder, Context{}); }

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Group of configs -> folder.
using ConfigGroups = std::vector<std::pair<std::string, std::string>>;

/// Every kind that the program knows. Made once by the caller and passed on; there is no global one.
class Registry {
 public:
  template <class Interface>
  KindRegistry<Interface>& of() {
    auto& kind = kinds_[Interface::kKind];
    if (!kind) kind = std::make_unique<KindRegistry<Interface>>();
    return static_cast<KindRegistry<Interface>&>(*kind);
  }
  template <class Interface>
  const KindRegistry<Interface>& of() const {
    static const KindRegistry<Interface> kEmpty;
    const Kind* kind = find(Interface::kKind);
    return kind != nullptr ? static_cast<const KindRegistry<Interface>&>(*kind) : kEmpty;
  }
  /// The options of a config group lie in this folder, below the program's root: `mixer` in `models/mixers`.
  void add_group(std::string group, std::string folder) {
    groups_.emplace_back(std::move(group), std::move(folder));
  }
  const ConfigGroups& groups() const { return groups_; }

  const Kind* find(std::string_view kind) const {
    const auto found = kinds_.find(kind);
    return found == kinds_.end() ? nullptr : found->second.get();
  }
  std::vector<std::string> kinds() const {
    std::vector<std::string> names;
    for (const auto& [name, kind] : kinds_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, std::unique_ptr<Kind>, std::less<>> kinds_;
  ConfigGroups groups_;
};

}  // namespace subband
