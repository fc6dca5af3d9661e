#include "experiments/data/corpus.h"

#include <algorithm>
#include <filesystem>

#include "core/config/compose.h"
#include "core/files.h"
#include "core/slot.h"
#include "experiments/data/own_data.h"

namespace subband {

using config::Node;

// Binds `value` as the slot `key` of an otherwise empty spec, and makes the part.
template <class Interface>
static std::shared_ptr<Interface> made_alone(const Registry& registry, const std::string& key, Node value,
                                             const typename Interface::Context& context) {
  Node root = Node::map(), resolved;
  root.set(key, std::move(value));
  BindSession session{.registry = &registry};
  Binder binder(session, root, resolved);
  Slot<Interface> slot;
  slot.bind(binder, key, context, "");
  session.finish();
  return slot.make(context);
}

std::vector<std::string> corpus_names(const Registry& registry, const Folders& folders) {
  config::SearchPath path(config::standard_folders(program_root(), folders), nullptr);
  std::vector<std::string> names = path.all_options(Data::kKind);
  std::erase_if(names, [&](const std::string& name) { return registry.of<Data>().find(name) != nullptr; });
  return names;
}

std::shared_ptr<Data> open_corpus(const Registry& registry, const std::string& name,
                                  const std::vector<std::string>& overrides, const Folders& folders) {
  config::Warnings splits;
  if (const auto own = own_data_option(name, splits); own && overrides.empty())
    return open_part_as_corpus(registry, *own);
  const auto composed = config::compose({.primary = name,
                                         .overrides = overrides,
                                         .folders = config::standard_folders(program_root(), folders),
                                         .registry = &registry,
                                         .group = Data::kKind,
                                         .made_options = {{Data::kKind, own_data_option}}});
  return made_alone<Data>(registry, Data::kKind, composed.config, {program_root()});
}

std::shared_ptr<Data> open_part_as_corpus(const Registry& registry, Node spec) {
  return made_alone<Data>(registry, Data::kKind, std::move(spec), {program_root()});
}

std::shared_ptr<Data> open_file_as_corpus(const Registry& registry, const std::string& file) {
  const auto path = std::filesystem::absolute(file);
  Node node = Node::map();
  node.set("type", Node("text"));
  node.set("name", Node(path.filename().string()));
  node.set_at("splits.all.files", Node::list({Node(path.string())}));
  return open_part_as_corpus(registry, std::move(node));
}

std::shared_ptr<Tokenizer> open_tokenizer(const Registry& registry, const std::string& type) {
  return made_alone<Tokenizer>(registry, Tokenizer::kKind, Node(type), {});
}

}  // namespace subband
