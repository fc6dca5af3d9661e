// One word of the command line that changes a spec: `a.b=1`, `+a=[1,2]`, `++a.b={c: 3}`, `~a`, `group@package=option`,
// `lr=1e-3,1e-2`, `seed=range(3)`. The grammar is Hydra's; the scalar table is core/config/scalar.h.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/node.h"

namespace subband::config {

/// Several values for one key.
struct Sweep {
  enum class Kind { choice, range, interval, glob };
  Kind kind = Kind::choice;
  bool simple = false;        ///< written as `a,b`
  bool nested = false;        ///< a value of the choice is itself a sweep: legal to write, never to expand
  std::vector<Node> choices;  ///< of a choice
  Node start, stop, step;     ///< of a range (integers or numbers; stop is excluded) or interval (numbers)
  std::vector<std::string> include, exclude;  ///< of a glob: patterns over the options of the key's group
  std::vector<std::string> tags;
  bool shuffled = false;
};

/// A change of a list that is there: `key=append(a,b)`, `prepend(a)`, `insert(0,a)`, `remove(a)`. Ours, not Hydra's.
struct ListEdit {
  enum class Kind { append, prepend, insert, remove };
  Kind kind = Kind::append;
  int64_t index = 0;        ///< of an insert; from 0
  std::vector<Node> items;  ///< what comes in, or goes
};

struct Override {
  enum class Action { change, add, force, remove };  ///< `a=`, `+a=`, `++a=`, `~a`
  Action action = Action::change;
  std::string target;                  ///< a dotted path or a group's name with slashes; may be empty
  std::optional<std::string> package;  ///< what follows `@`
  bool has_value = false;              ///< `~a` has none
  Node value;
  std::string value_text;        ///< as written, outer spaces and quotes dropped
  std::optional<Sweep> sweep;    ///< then `value` is null
  std::optional<ListEdit> edit;  ///< then `value` is null
  std::string text;              ///< the whole word
  Place place;                   ///< `override 2 (a.b=c)`

  /// `target`, or `target@package`.
  std::string key() const { return package ? target + "@" + *package : target; }
};

/// Parses one word. `number`, from 1, is its position on the command line.
/// ConfigError: `syntax`, or `bad_value` from a function.
Override parse_override(std::string_view text, int number = 1);
std::vector<Override> parse_overrides(std::span<const std::string> texts);

/// The text after `=` that parses to `value` again. ConfigError for keys that no word can express.
/// `typed`: words stay as they were typed, `1e-1`; else equal values have equal texts.
std::string override_text(const Node& value, bool typed = false);
/// The word that does the same to the same key; words of equal values are equal, `lr=1e-1` and `lr=0.1`, `n=8.0` and
/// `n=8`.
std::string usual_word(std::string_view text);

/// The values of a sweep in their order. `options` are what a glob chooses from. A shuffled sweep's order depends on
/// its own content only. ConfigError (`bad_value`) for an interval, a step of zero, an empty range or glob.
std::vector<Node> expand(const Sweep& sweep, const Place& place, std::span<const std::string> options = {});
/// The override as plain words, one for each value of its sweep; the word itself where it has none.
std::vector<std::string> expand(const Override& word, std::span<const std::string> options = {});

}  // namespace subband::config
