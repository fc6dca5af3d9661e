// Broken specs, each with its whole message: what a person sees who mistypes.
#include <filesystem>
#include <fstream>

#include "core/config/compose.h"
#include "core/error.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace broken_specs_test {

using namespace subband;
using Files = std::vector<std::pair<std::string, std::string>>;

struct Broken {
  const char* name;
  Files files;  ///< config.yaml is the primary; "" stands for the usual tree below
  std::vector<std::string> words;
  const char* kind;
  const char* message;
};

static const Files kUsual = {{"config.yaml",
                              "defaults:\n  - model: attn\n  - opt@x.opt: adam\n  - _self_\nlr: "
                              "0.1\ntrainer: {steps: 10, log: [1, 2]}\nref: ${trainer}\n"},
                             {"model/attn.yaml", "heads: 8\n"},
                             {"model/linear.yaml", "heads: 1\n"},
                             {"opt/adam.yaml", "rate: 1\n"},
                             {"opt/sgd.yaml", "rate: 2\n"}};

static const std::vector<Broken> kBroken = {
    {"tab",
     {{"config.yaml", "a:\n\tb: 1\n"}},
     {},
     "syntax",
     "config.yaml:2:2: a tab cannot indent: use spaces"},
    {"indent", {{"config.yaml", "a: 1\n  b: 2\n"}}, {}, "syntax", "config.yaml:2:4: illegal map value"},
    {"list indent",
     {{"config.yaml", "a:\n  - 1\n - 2\n"}},
     {},
     "syntax",
     "config.yaml:3:2: end of map not found"},
    {"colon in a word", {{"config.yaml", "a: b: c\n"}}, {}, "syntax", "config.yaml:1:5: illegal map value"},
    {"lone word",
     {{"config.yaml", "hello\n"}},
     {},
     "bad_value",
     "config.yaml:1:1: expected a map or a list, got the lone word hello"},
    {"list as the whole",
     {{"config.yaml", "[1]\n"}},
     {},
     "bad_value",
     "config.yaml:1:1: a list cannot be the whole config; give it a package"},
    {"unclosed interpolation",
     {{"config.yaml", "a: ${b.c\n"}},
     {},
     "syntax",
     "config.yaml:1:4: '${' has no end: expected '}' in '${b.c'"},
    {"braces in a flow map",
     {{"config.yaml", "a: {b: ${c}}\n"}},
     {},
     "syntax",
     "config.yaml:1:9: end of map flow not found"},
    {"self reference",
     {{"config.yaml", "a: ${a}\n"}},
     {},
     "cycle",
     "config.yaml:1:4: a = ${a}: a cycle of interpolations: ${a} -> ${a}"},
    {"includes itself",
     {{"config.yaml", "defaults: [config]\n"}},
     {},
     "cycle",
     "config.yaml:1:12: a cycle of defaults lists: config -> config"},
    {"inclusion cycle",
     {{"config.yaml", "defaults: [g: a]\n"},
      {"g/a.yaml", "defaults: [b]\n"},
      {"g/b.yaml", "defaults: [a]\n"}},
     {},
     "cycle",
     "g/b.yaml:1:12: a cycle of defaults lists: config -> g/a -> g/b -> g/a"},
    {"growing cycle",
     {{"config.yaml", "defaults: [g: a]\n"}, {"g/a.yaml", "defaults: [/g@sub: a]\n"}},
     {},
     "cycle",
     "g/a.yaml:1:12: a cycle of defaults lists: g/a -> g/a -> g/a -> g/a -> g/a -> g/a -> g/a -> g/a"},
    {"no such option",
     {{"config.yaml", "defaults: [g: oen]\n"}, {"g/one.yaml", ""}},
     {},
     "unknown_option",
     "config.yaml:1:15: g = oen: no such config; did you mean 'one'? known: one"},
    {"no such group",
     {{"config.yaml", "defaults: [h: one]\n"}, {"g/one.yaml", ""}},
     {},
     "unknown_option",
     "config.yaml:1:15: h/one: no such group 'h'; searched: TREE"},
    {"no such config",
     {{"config.yaml", "defaults: [bsae]\n"}, {"base.yaml", ""}},
     {},
     "unknown_option",
     "config.yaml:1:12: bsae: no such config; did you mean 'base'? known: base, config"},
    {"unknown keyword",
     {{"config.yaml", "defaults: [optioal g: one]\n"}, {"g/one.yaml", ""}},
     {},
     "unknown_option",
     "config.yaml:1:12: optioal: unknown keyword; did you mean 'optional'? known: optional, override"},
    {"no _self_",
     {{"config.yaml", "defaults: [g: one]\na: 1\n"}, {"g/one.yaml", ""}},
     {},
     "ambiguous",
     "config.yaml:1:12: defaults: this file has values of its own too; add _self_ to say whether they come "
     "before or after"},
    {"two _self_",
     {{"config.yaml", "defaults: [_self_, _self_]\n"}},
     {},
     "syntax",
     "config.yaml:1:20: _self_ stands twice in this defaults list"},
    {"defaults as a map",
     {{"config.yaml", "defaults: {g: one}\n"}},
     {},
     "syntax",
     "config.yaml:1:11: defaults: expected a list, got a map"},
    {"two keys in an entry",
     {{"config.yaml", "defaults:\n  - {a: x, b: y}\n"}},
     {},
     "syntax",
     "config.yaml:2:5: an entry of a defaults list has one key, this has 2"},
    {"null entry",
     {{"config.yaml", "defaults: [null]\n"}},
     {},
     "syntax",
     "config.yaml:1:12: an entry of a defaults list is a config, 'group: option' or _self_, not a null"},
    {"map as an option",
     {{"config.yaml", "defaults: [g: {a: 1}]\n"}},
     {},
     "bad_value",
     "config.yaml:1:15: expected the name of an option or a list of names, got {\"a\": 1}"},
    {"parent folder",
     {{"config.yaml", "defaults: [../g: one]\n"}},
     {},
     "syntax",
     "config.yaml:1:12: ../g: '..' is not supported; begin with / to name a group from the root"},
    {"dead package keyword",
     {{"config.yaml", "defaults: [g@_group_: one]\n"}, {"g/one.yaml", ""}},
     {},
     "syntax",
     "config.yaml:1:12: package '_group_': the keywords are _here_ (alone) and _global_"},
    {"header with two words",
     {{"config.yaml", "# @package a b\n"}},
     {},
     "syntax",
     "config.yaml:1:1: '@package a b': expected one word after @package"},
    {"mandatory choice",
     {{"config.yaml", "defaults: [g: '\?\?\?']\n"}, {"g/one.yaml", ""}},
     {},
     "missing_value",
     "config.yaml:1:12: g: needs a choice; known: one"},
    {"override before an entry",
     {{"config.yaml", "defaults: [g: one, override g: two, h: x]\n"}, {"g/one.yaml", ""}},
     {},
     "syntax",
     "config.yaml:1:37: an ordinary entry after 'override g': overrides come last"},
    {"override of nothing",
     {{"config.yaml", "defaults: [g@p: one, override g: two]\n"}, {"g/one.yaml", ""}, {"g/two.yaml", ""}},
     {},
     "missing_group_override",
     "config.yaml:1:34: override g: nothing earlier in the defaults lists has this key; did you mean g@p?"},
    {"group twice",
     {{"config.yaml", "defaults: [g: one, g: two]\n"}, {"g/one.yaml", ""}, {"g/two.yaml", ""}},
     {},
     "already_exists",
     "config.yaml:1:12: g: has two values, one and then two; to change a choice write 'override g: two'"},
    {"unknown choice in an option",
     {{"config.yaml", "defaults:\n  - g: one\n  - t: ${gg}\n"}, {"g/one.yaml", ""}},
     {},
     "interpolation",
     "config.yaml:3:5: 'gg' is no group of this defaults list; did you mean 'g'? known: g"},
    {"list over map",
     {{"config.yaml", "defaults: [base, _self_]\na: [1]\n"}, {"base.yaml", "a: {b: 1}\n"}},
     {},
     "bad_value",
     "config.yaml:2:4: a: a list cannot replace the map of base.yaml:1:4"},
    {"unknown key",
     kUsual,
     {"trainer.step=5"},
     "unknown_key",
     "override 1 (trainer.step=5): trainer.step: unknown key; did you mean 'steps'? known: log, steps; write "
     "+trainer.step=5 to add it"},
    {"unknown key in a map",
     kUsual,
     {"trainer={stps: 5}"},
     "unknown_key",
     "override 1 (trainer={stps: 5}): trainer.stps: unknown key; did you mean 'steps'? known: log, steps; "
     "write + before the override to add it"},
    {"beyond a list",
     kUsual,
     {"lr=1", "trainer.log.2=5"},
     "unknown_key",
     "override 2 (trainer.log.2=5): trainer.log.2: the list has 2 items"},
    {"add what is there",
     kUsual,
     {"+lr=5"},
     "already_exists",
     "override 1 (+lr=5): lr: is there already, set by config.yaml:5:5; drop the + to change it, or write ++ "
     "to set it in any case"},
    {"remove what is not",
     kUsual,
     {"~trainer.stops"},
     "unknown_key",
     "override 1 (~trainer.stops): trainer.stops: unknown key; did you mean 'steps'? known: log, steps"},
    {"remove another value",
     kUsual,
     {"~lr=0.2"},
     "bad_value",
     "override 1 (~lr=0.2): lr: is 0.1 and not 0.2, so it is not removed"},
    {"misspelled group",
     kUsual,
     {"mdel=linear"},
     "unknown_key",
     "override 1 (mdel=linear): mdel: unknown key; did you mean 'model'? known: lr, model, ref, trainer, x; "
     "write +mdel=linear to add it"},
    {"misspelled option",
     kUsual,
     {"model=lienar"},
     "unknown_option",
     "override 1 (model=lienar): model = lienar: no such config; did you mean 'linear'? known: attn, linear"},
    {"group in another package",
     kUsual,
     {"opt=sgd"},
     "missing_group_override",
     "override 1 (opt=sgd): opt: nothing in the defaults lists has this key; did you mean opt@x.opt?; write "
     "+opt=sgd to add it"},
    {"forced group",
     kUsual,
     {"++model=linear"},
     "bad_value",
     "override 1 (++model=linear): model: ++ is not for groups; write + to add the group, or nothing to "
     "change it"},
    {"package of no group",
     kUsual,
     {"lr@p=1"},
     "missing_group_override",
     "override 1 (lr@p=1): 'lr' is no group, so it takes no package; searched: TREE"},
    {"sweep without a sweep",
     kUsual,
     {"lr=0.1,0.2"},
     "ambiguous",
     "override 1 (lr=0.1,0.2): lr: several values for one run; 'subband sweep' runs each of its values; one "
     "list is lr=[0.1,0.2], "
     "one text is lr='0.1,0.2'"},
    {"word of a number for a group",
     kUsual,
     {"model=7"},
     "bad_value",
     "override 1 (model=7): model = 7: expected the name of an option; known: attn, linear"},
    {"no primary",
     {{"other.yaml", ""}},
     {},
     "unknown_option",
     "config: no such config; searched: TREE; known: other"},
    {"interpolation in a word",
     kUsual,
     {"lr=${trainer.stesp}"},
     "interpolation",
     "override 1 (lr=${trainer.stesp}): lr = ${trainer.stesp}: no key 'stesp' in 'trainer'; did you mean "
     "'steps'? known: log, steps"}};

TEST_CASE("every broken spec has its kind and its whole message", "[config]") {
  const auto folder = std::filesystem::temp_directory_path() / ("subband_broken_" + std::to_string(getpid()));
  for (const Broken& broken : kBroken) {
    std::filesystem::remove_all(folder);
    for (const auto& [name, text] : broken.files) {
      std::filesystem::create_directories((folder / name).parent_path());
      std::ofstream(folder / name) << text;
    }
    config::ComposeRequest request{.primary = "config", .overrides = broken.words, .raw = true};
    request.folders = {{"", folder, "TREE"}};
    std::string kind = "none", message = "none";
    try {
      config::compose(request);
    } catch (const ConfigError& error) {
      kind = error.first().kind;
      message = error.what();
    }
    if (message.starts_with("TREE/")) message = message.substr(5);
    for (size_t at; (at = message.find(" TREE/")) != std::string::npos;) message.erase(at + 1, 5);
    CAPTURE(broken.name);
    CHECK(kind == broken.kind);
    CHECK(message == broken.message);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace broken_specs_test
