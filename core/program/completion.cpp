#include "core/program/completion.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "core/config/compose.h"
#include "core/error.h"
#include "core/program/command_table.h"
#include "core/text.h"

namespace subband {

using config::Node;

namespace {

constexpr const char* kBash = R"(# bash completion of subband: `source <(subband completion bash)`
_subband() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}") line
  # bash splits words at '=' and ':'; what was typed as one word is asked for as one.
  local typed=${COMP_LINE:0:COMP_POINT}
  read -ra words <<<"$typed"
  words=("${words[@]:1}")
  [[ $typed == *" " ]] && words+=("")
  local current=${words[-1]} prefix=
  [[ $current == *=* ]] && prefix=${current%%=*}=
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("${line#"$prefix"}"); done < <(subband complete -- "${words[@]}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[.=/] ]] && compopt -o nospace
  [[ ${#COMPREPLY[@]} == 0 ]] && compopt -o default
  return 0
}
complete -F _subband subband
)";

constexpr const char* kZsh = R"(#compdef subband
# zsh completion of subband: `source <(subband completion zsh)`
_subband() {
  local -a candidates open closed
  candidates=("${(@f)$(subband complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  open=(${(M)candidates:#*[.=/]})
  closed=(${candidates:#*[.=/]})
  (( $#open )) && compadd -S '' -- $open
  (( $#closed )) && compadd -- $closed
  (( $#open + $#closed )) || _files
}
compdef _subband subband
)";

class Completer {
 public:
  Completer(const Catalogue& catalogue, const std::filesystem::path& root, const std::vector<std::string>& words)
      : catalogue_(catalogue), words_(words), last_(words.back()) {
    request_.folders = config::standard_folders(root, catalogue.groups, {});
  }

  std::vector<std::string> candidates() {
    const auto command = std::ranges::find(catalogue_.commands, words_.front(), &CatalogueCommand::name);
    if (command == catalogue_.commands.end()) return {};
    if (last_.starts_with('-')) {
      const auto of_verb = command->options.find(words_[1]);
      const auto& options = of_verb != command->options.end() ? of_verb->second : command->options.at("");
      for (const std::string& option : options) offer(option);
      return take();
    }
    if (command->words.empty()) return {};
    const size_t position = plain_words(), end = command->words.size();
    if (position < end || command->words.back().ends_with("…"))
      offer_kind_of_word(command->words[std::min(position, end - 1)]);
    return take();
  }

 private:
  void offer(const std::string& candidate) {
    if (candidate.starts_with(last_)) found_.insert(candidate);
  }
  std::vector<std::string> take() { return {found_.begin(), found_.end()}; }

  // Words behind the command and before the last that are no options.
  size_t plain_words() const {
    return static_cast<size_t>(std::count_if(words_.begin() + 1, words_.end() - 1,
                                             [](const std::string& word) { return !word.starts_with('-'); }));
  }

  // One of Command::words.
  void offer_kind_of_word(std::string kind) {
    if (kind.ends_with("…")) kind.resize(kind.size() - std::string("…").size());
    if (kind == "override") return offer_words();
    if (kind == "kind" || kind == "part") return offer_parts(kind == "kind" ? 0 : 1);
    if (kind.find('|') == std::string::npos) return offer_configs(kind);
    for (const std::string& word : split(kind, '|')) offer(word);
  }

  void offer_configs(const std::string& group) {
    config::SearchPath search(request_.folders);
    for (const std::string& name : search.all_options(group)) offer(name);
  }

  void offer_parts(size_t position) {
    if (position == 0)
      for (const auto& [kind, parts] : catalogue_.kinds) offer(kind);
    if (position == 1 && catalogue_.kinds.contains(words_[1]))
      for (const auto& [name, part] : catalogue_.kinds.at(words_[1])) offer(name);
  }

  // The recipe as the words before this one leave it; nothing where they are still wrong.
  Node composed() {
    for (size_t i = 1; i + 1 < words_.size(); ++i) {
      if (words_[i].starts_with('-')) continue;
      if (request_.primary.empty())
        request_.primary = words_[i];
      else
        request_.overrides.push_back(words_[i]);
    }
    try {
      return config::compose_unresolved(request_).unresolved;
    } catch (const Error&) {
      return Node::map();
    }
  }

  // `net.block.mixer=perf`, `+trainer.`, `data=tiny`: keys one level at a time, then the values of a key.
  void offer_words() {
    const size_t sign = std::min(last_.find_first_not_of("+~"), last_.size());
    const std::string signs = last_.substr(0, sign), rest = last_.substr(sign);
    const size_t equals = rest.find('=');
    const Node tree = composed();
    if (equals == std::string::npos)
      offer_keys(signs, rest, tree);
    else
      offer_values(last_.substr(0, sign + equals + 1), rest.substr(0, equals), tree);
  }

  void offer_keys(const std::string& signs, const std::string& begun, const Node& tree) {
    const size_t dot = begun.rfind('.');
    const std::string folder = dot == std::string::npos ? "" : begun.substr(0, dot + 1);
    each_field(tree, [&](const std::string& path, const FieldInfo& field) {
      if (!path.starts_with(folder)) return;
      const size_t next = path.find('.', folder.size());
      if (next != std::string::npos) return offer(signs + path.substr(0, next + 1));
      const bool opens = field.type == "map" || field.type.starts_with("map of parts");
      offer(signs + path + (opens ? "." : signs == "~" ? "" : "="));
    });
  }

  void offer_values(const std::string& before, const std::string& key, const Node& tree) {
    each_field(tree, [&](const std::string& path, const FieldInfo& field) {
      if (path != key) return;
      if (!field.part_kind.empty() && catalogue_.kinds.contains(field.part_kind))
        for (const auto& [name, part] : catalogue_.kinds.at(field.part_kind)) offer(before + name);
      for (const std::string& choice : field.choices) offer(before + choice);
      if (field.type == "boolean") offer(before + "true"), offer(before + "false");
    });
    config::SearchPath search(request_.folders);
    if (search.has_group(key))
      for (const std::string& option : search.options(key)) offer(before + option);
  }

  // Every field of the recipe, with the fields of the parts that it names rather than those of the default ones.
  template <class Visit>
  void each_field(const Node& tree, const Visit& visit) {
    const auto recipe = catalogue_.documents.find(request_.group);
    if (recipe != catalogue_.documents.end()) walk(recipe->second, "", tree, visit);
  }

  template <class Visit>
  void walk(const std::vector<FieldInfo>& fields, const std::string& base, const Node& tree,
            const Visit& visit) {
    std::vector<std::string> slots;
    for (const FieldInfo& field : fields) {
      const bool inside = std::ranges::any_of(
          slots, [&](const std::string& slot) { return field.path.starts_with(slot + "."); });
      if (inside) continue;
      const std::string path = base + field.path;
      visit(path, field);
      if (field.part_kind.empty()) continue;
      slots.push_back(field.path);
      const Node* written = tree.at(path);
      if (field.type.starts_with("map of parts")) {
        const Node& labels = written && written->is(Node::Kind::map) ? *written : field.standard;
        for (const config::Entry& label : labels.entries()) {
          const std::string below = path + "." + label.key;
          visit(below,
                FieldInfo{
                    .path = below, .type = "part of kind " + field.part_kind, .part_kind = field.part_kind});
          walk_part(field.part_kind, type_of(&label.value, label.key), below, tree, visit);
        }
      } else {
        const std::string standard = field.standard.is(Node::Kind::string) ? field.standard.string() : "";
        walk_part(field.part_kind, type_of(written, standard), path, tree, visit);
      }
    }
  }

  template <class Visit>
  void walk_part(const std::string& kind, const std::string& type, const std::string& path, const Node& tree,
                 const Visit& visit) {
    const auto parts = catalogue_.kinds.find(kind);
    if (parts == catalogue_.kinds.end()) return;
    const auto part = parts->second.find(type);
    if (part != parts->second.end()) walk(part->second.fields, path + ".", tree, visit);
  }

  static std::string type_of(const Node* written, const std::string& standard) {
    if (written == nullptr) return standard;
    if (written->is(Node::Kind::string)) return written->string();
    const Node* type = written->find("type");
    return type != nullptr && type->is(Node::Kind::string) ? type->string() : standard;
  }

  const Catalogue& catalogue_;
  const std::vector<std::string>& words_;
  const std::string& last_;
  config::ComposeRequest request_;
  std::set<std::string> found_;
};

}  // namespace

std::vector<std::string> completions(const Catalogue& catalogue, const std::filesystem::path& root,
                                     const std::vector<std::string>& words) {
  if (words.size() > 1) return Completer(catalogue, root, words).candidates();
  std::vector<std::string> found;
  for (const CatalogueCommand& each : catalogue.commands)
    if (words.empty() || each.name.starts_with(words.front())) found.push_back(each.name);
  return found;
}

std::string completion_script(const std::string& shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  const std::vector<std::string> known = {"bash", "zsh"};
  throw ConfigError("command line", shell + ": no completion for this shell" + suggestion(shell, known),
                    "unknown_option");
}

int command_completion(Arguments arguments) {
  CommandLine line(
      "completion",
      "The completion script of a shell. bash: source <(subband completion bash); zsh: the same.",
      "subband completion bash >> ~/.bashrc");
  std::string shell;
  line.app().add_option("shell", shell, "bash or zsh")->required();
  return line.run(arguments, [&] {
    std::cout << completion_script(shell);
    return 0;
  });
}

namespace commands {

void add_completion(CommandTable& table) {
  table.push_back({"completion", "the completion script of bash or zsh", {"bash|zsh"}, command_completion});
}

}  // namespace commands

}  // namespace subband
