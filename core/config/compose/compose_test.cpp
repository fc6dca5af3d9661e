// Composition of recipes: what the language adds to Hydra's for parts, and who set each value.
#include "core/config/compose.h"

#include <any>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/registry.h"
#include "core/testing/catch.h"

namespace compose_test {

using namespace subband;
using Texts = std::vector<std::string>;

struct Widget {
  static constexpr const char* kKind = "mixer";
  struct Context {};
};
struct WidgetConfig {
  void bind(Binder&) {}
};
struct Plain : Widget {
  Plain(const WidgetConfig&, const Context&) {}
};

// A folder that lives as long as the object, with files as given.
class Tree {
 public:
  explicit Tree(std::vector<std::pair<std::string, std::string>> files)
      : folder_(std::filesystem::temp_directory_path() / ("subband_compose_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(folder_);
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((folder_ / name).parent_path());
      std::ofstream(folder_ / name) << text;
    }
    for (const char* name : {"softmax", "wersa", "performer"})
      registry_.of<Widget>().add<Plain, WidgetConfig>({.name = name});
  }
  ~Tree() { std::filesystem::remove_all(folder_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  config::ComposeRequest request(const std::string& primary, const Texts& overrides) const {
    config::ComposeRequest request{.primary = primary, .overrides = overrides, .registry = &registry_};
    request.folders = {{"recipe", folder_ / "recipes", "recipes"},
                       {"data", folder_ / "data", "data"},
                       {"net", folder_ / "nets", "nets"}};
    return request;
  }
  config::Composition compose(const std::string& primary, const Texts& overrides) const {
    return config::compose(request(primary, overrides));
  }
  std::string json(const Texts& overrides, const std::string& primary = "r") const {
    return config::to_json(compose(primary, overrides).config);
  }
  std::string complaint(const Texts& overrides) const {
    try {
      compose("r", overrides);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "none";
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  Registry registry_;
};

static const std::vector<std::pair<std::string, std::string>> kFiles = {
    {"recipes/r.yaml",
     "defaults: [/data: small, _self_]\nnet: {type: lm, width: 8, block: {mixer: wersa}}\nseed: 1\n"},
    {"recipes/deep/child.yaml",
     "defaults: [/recipe/r, _self_]\nnet: {width: 16, block: {mixer: {heads: 2}}}\n"},
    {"data/small.yaml", "type: text\nname: small\n"},
    {"data/large.yaml", "type: text\nname: large\n"},
    {"nets/big.yaml", "type: lm\nwidth: 512\n"}};

TEST_CASE("a recipe lands at the root and its defaults list chooses options of groups", "[compose]") {
  const Tree tree(kFiles);
  CHECK(tree.json({}) ==
        "{\"data\": {\"type\": \"text\", \"name\": \"small\"}, \"net\": {\"type\": \"lm\", \"width\": 8, "
        "\"block\": {\"mixer\": \"wersa\"}}, \"seed\": 1}");
  CHECK(tree.compose("r", {"data=large"}).config.at("data.name")->string() == "large");
  CHECK(tree.compose("r", {"data=large"}).choices.at("data") == "large");
}

TEST_CASE("a recipe extends another one at the root, and a path to a file is a recipe too", "[compose]") {
  const Tree tree(kFiles);
  const auto child = tree.compose("deep/child", {}).config;
  CHECK(config::to_json(*child.find("net")) ==
        "{\"type\": \"lm\", \"width\": 16, \"block\": {\"mixer\": {\"type\": \"wersa\", \"heads\": 2}}}");
  CHECK(tree.compose((tree.folder() / "recipes/r.yaml").string(), {}).config == tree.compose("r", {}).config);
}

TEST_CASE("sources that were read once serve many compositions", "[compose]") {
  const Tree tree(kFiles);
  auto request = tree.request("r", {});
  auto search = config::search_path_of(request);
  CHECK(config::compose(request, search).config == tree.compose("r", {}).config);
  std::filesystem::remove_all(tree.folder() / "recipes");  // whatever is known now was kept
  request.overrides = {"seed=7"};
  CHECK(config::compose(request, search).config.find("seed")->integer() == 7);
}

TEST_CASE("a key below a plain name turns the name into its map form", "[compose]") {
  const Tree tree(kFiles);
  const auto mixer = [&](const Texts& words) {
    return config::to_json(*tree.compose("r", words).config.at("net.block.mixer"));
  };
  CHECK(mixer({"net.block.mixer.heads=8"}) == "{\"type\": \"wersa\", \"heads\": 8}");
  CHECK(mixer({"+net.block.mixer.heads=8"}) == "{\"type\": \"wersa\", \"heads\": 8}");
  CHECK(mixer({"net.block.mixer={heads: 8}"}) == "{\"type\": \"wersa\", \"heads\": 8}");
  CHECK(mixer({"net.block.mixer={type: wersa, heads: 8}"}) == "{\"type\": \"wersa\", \"heads\": 8}");
}

TEST_CASE("a removal of a part's name leaves the part of the slot's default", "[compose]") {
  const Tree tree(kFiles);
  CHECK(config::to_json(*tree.compose("r", {"~net.block.mixer.type"}).config.at("net.block.mixer")) == "{}");
  CHECK(tree.complaint({"+net.block.mixer.type=performer"}) ==
        "override 1 (+net.block.mixer.type=performer): net.block.mixer.type: is there already, set by "
        "recipes/r.yaml:2:42; drop the + to change it, or write ++ to set it in any case");
}

TEST_CASE("a label that is a part's name is the type of a map that names none", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{
      {"recipes/r.yaml", "side: {wersa: {heads: 2}, other: {heads: 2}}\n"}});
  CHECK(tree.json({"side.wersa={type: performer}", "side.other={type: performer}"}) ==
        "{\"side\": {\"wersa\": {\"type\": \"performer\"}, "
        "\"other\": {\"heads\": 2, \"type\": \"performer\"}}}");
  CHECK(tree.json({"side.wersa={type: wersa, window: 4}"}) ==
        "{\"side\": {\"wersa\": {\"heads\": 2, \"type\": \"wersa\", \"window\": 4}, \"other\": {\"heads\": "
        "2}}}");
}

TEST_CASE("a word that removes what another word chooses for a group is refused", "[compose]") {
  const Tree tree(kFiles);
  CHECK(tree.complaint({"data=large", "~data"}) ==
        "override 1 (data=large): data: override 2 (~data) removes what this word chooses; drop one");
  CHECK(tree.complaint({"~data", "+data=large"}) ==
        "override 2 (+data=large): data: override 1 (~data) removes what this word chooses; drop one");
  CHECK(tree.compose("r", {"~data", "data={name: mine}"}).config.at("data.name")->string() == "mine");
}

TEST_CASE("a name, or a map of another type, replaces the whole part", "[compose]") {
  const Tree tree(kFiles);
  const auto mixer = [&](const Texts& words) {
    return config::to_json(*tree.compose("r", words).config.at("net.block.mixer"));
  };
  CHECK(mixer({"net.block.mixer.heads=8", "net.block.mixer=performer"}) == "\"performer\"");
  CHECK(mixer({"net.block.mixer.heads=8", "net.block.mixer={type: performer, features: 4}"}) ==
        "{\"type\": \"performer\", \"features\": 4}");
  CHECK(mixer({"net.block.mixer.heads=8", "net.block.mixer={type: wersa, window: 4}"}) ==
        "{\"type\": \"wersa\", \"heads\": 8, \"window\": 4}");
}

TEST_CASE("an option of a group that no defaults list has replaces the value, wherever the package is",
          "[compose]") {
  const Tree tree(kFiles);
  CHECK(config::to_json(*tree.compose("r", {"net=big"}).config.find("net")) ==
        "{\"type\": \"lm\", \"width\": 512}");
  CHECK(config::to_json(*tree.compose("r", {"net=big", "net.width=4"}).config.find("net")) ==
        "{\"type\": \"lm\", \"width\": 4}");
  CHECK(
      config::to_json(*tree.compose("r", {"mixer@net.block.mixer=performer"}).config.at("net.block.mixer")) ==
      "{\"type\": \"performer\"}");
}

TEST_CASE("overrides set or add; + refuses what is there and ~ what is not", "[compose]") {
  const Tree tree(kFiles);
  CHECK(tree.compose("r", {"trainer.steps=5"}).config.at("trainer.steps")->integer() == 5);
  CHECK(tree.compose("r", {"~seed"}).config.find("seed") == nullptr);
  CHECK(tree.complaint({"+seed=2"}) ==
        "override 1 (+seed=2): seed: is there already, set by recipes/r.yaml:3:7; drop the + to change it, "
        "or write ++ to set it in any case");
  CHECK(tree.complaint({"~sed"}) ==
        "override 1 (~sed): sed: unknown key; did you mean 'seed'? known: data, net, seed");
}

TEST_CASE("lists are appended to, inserted into and removed from", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{{"recipes/r.yaml", "l: [a, b]\n"}});
  CHECK(tree.json({"l=append(c,d)", "l=prepend(z)", "l=insert(1,y)", "l=remove(b)"}) ==
        "{\"l\": [\"z\", \"y\", \"a\", \"c\", \"d\"]}");
  CHECK(tree.complaint({"l=remove(q)"}) == "override 1 (l=remove(q)): l = [\"a\", \"b\"]: has no item q");
  CHECK(tree.complaint({"l=insert(5,q)"}) ==
        "override 1 (l=insert(5,q)): l: cannot insert at 5 in a list of 2");
  CHECK(tree.complaint({"l.0=append(q)"}) ==
        "override 1 (l.0=append(q)): l.0 = a: only a list can be changed so");
}

TEST_CASE("every value says who set it last", "[compose]") {
  const Tree tree(kFiles);
  CHECK(config::origins_text(tree.compose("r", {"net.width=4", "mixer@net.block.mixer=performer"}).config) ==
        "data.type = text    # data/small.yaml:1:7\n"
        "data.name = small    # data/small.yaml:2:7\n"
        "net.type = lm    # recipes/r.yaml:2:13\n"
        "net.width = 4    # override 1 (net.width=4)\n"
        "net.block.mixer.type = performer    # override 2 (mixer@net.block.mixer=performer)\n"
        "seed = 1    # recipes/r.yaml:3:7\n");
}

TEST_CASE("what does not exist is refused with the nearest name", "[compose]") {
  const Tree tree(kFiles);
  CHECK(tree.complaint({"data=lrage"}) ==
        "override 1 (data=lrage): data = lrage: no such config; did you mean 'large'? known: large, small");
  CHECK(tree.complaint({"net=bgi"}) ==
        "override 1 (net=bgi): net = bgi: no such net; did you mean 'big'? known: big");
  CHECK(tree.complaint({"mixer@net.block.mixer=perfomer"}) ==
        "override 1 (mixer@net.block.mixer=perfomer): mixer@net.block.mixer = perfomer: no such mixer; did "
        "you mean 'performer'? "
        "known: performer, softmax, wersa");
  CHECK_THROWS_WITH(tree.compose("q", {}),
                    "q: no such recipe; did you mean 'r'? known: deep/child, r; a path ends in .yaml");
}

TEST_CASE("a removal whose way leads through a dangling reference is refused", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{{"recipes/r.yaml", "l: [a]\nto: ${l}\n"}});
  CHECK(tree.complaint({"~l", "~to.0"}) ==
        "override 2 (~to.0): to.0: refers to nothing: to = ${l}: no key 'l' in the root; known: to");
}

TEST_CASE("a removal names a list or map by what it means, or with the references that stand there",
          "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{
      {"recipes/r.yaml", "x: 9\nl: [1, '${x}', {a: '${x}'}]\nto: ${l}\n"}});
  const std::string rest = "{\"x\": 9, \"l\": [1, 9, {\"a\": 9}]}";
  for (const std::string word : {"~to=[1,9,{a:9}]", "~to=[1,9,{a:${x}}]", "~to=[1,${x},{a:${x}}]"})
    CHECK(config::to_json(tree.compose("r", {word}).config) == rest);
  CHECK(tree.complaint({"~to=[1,${y},{a:9}]"}) ==
        "override 1 (~to=[1,${y},{a:9}]): to: is [1, \"${x}\", {\"a\": \"${x}\"}] and not [1, \"${y}\", "
        "{\"a\": 9}], "
        "so it is not removed");
  CHECK(tree.complaint({"++l.1=${nope}", "~l=[9]"}) ==
        "override 2 (~l=[9]): l: is [1, \"${nope}\", {\"a\": \"${x}\"}] and not [9], so it is not removed");
}

TEST_CASE("a name is no index of a list, wherever a path leads through one", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{
      {"recipes/r.yaml", "l: [1]\nto: ${l}\nz: '${oc.select:at,0}'\n"}});
  CHECK(tree.complaint({"~to.k.j"}) == "override 1 (~to.k.j): to.k: a list is indexed by whole numbers");
  CHECK(tree.complaint({"+l.k=3"}) == "override 1 (+l.k=3): l.k: a list is indexed by whole numbers");
  CHECK(tree.complaint({"z=${oc.select:l.k,3}"}) ==
        "override 1 (z=${oc.select:l.k,3}): z = ${oc.select:l.k,3}: 'l' is a list; 'k' is no index");
}

TEST_CASE("in Hydra's language nothing is added where a reference leads nowhere", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{{"c.yaml", "n: ${x}\nm: ${l}\nl: [1]\n"}});
  config::ComposeRequest request{.primary = "c", .overrides = {"m={a:1}", "n={b:2}"}, .raw = true};
  request.folders = {{"", tree.folder()}};
  CHECK(config::to_json(config::compose(request).config) ==
        "{\"n\": {\"b\": 2}, \"m\": {\"a\": 1}, \"l\": [1]}");
  request.overrides = {"+n=[1]"};
  CHECK_THROWS_WITH(config::compose(request),
                    "override 1 (+n=[1]): n: refers to nothing: n = ${x}: no key 'x' in the root; did you "
                    "mean 'n'? known: l, m, n");
}

TEST_CASE("of many recipes only those that are likely are named", "[compose]") {
  std::vector<std::pair<std::string, std::string>> files;
  for (const char* corpus : {"shakespeare", "wikitext", "mnist"})
    for (const char* net : {"gpt2", "llama", "wavelet"})
      files.emplace_back(std::string("recipes/") + corpus + "/" + net + ".yaml", "seed: 1\n");
  const Tree tree(files);
  CHECK_THROWS_WITH(tree.compose("shakespear", {}),
                    "shakespear: no such recipe; did you mean shakespeare/gpt2, shakespeare/llama, "
                    "shakespeare/wavelet? There are 9 in recipes; a path ends in .yaml");
  CHECK_THROWS_WITH(tree.compose("wiktext/wavelet", {}),
                    "wiktext/wavelet: no such recipe; did you mean wikitext/wavelet? There are 9 in recipes; "
                    "a path ends in .yaml");
  CHECK_THROWS_WITH(tree.compose("xyz", {}),
                    "xyz: no such recipe; there are 9 in recipes; a path ends in .yaml");
}

TEST_CASE("a group that one list overrides twice takes the last, with a warning", "[compose]") {
  const auto list = [](const std::string& words) {
    return "defaults: [/data: small, _self_, override /data: large" + words + "]\nseed: 1\n";
  };
  auto files = kFiles;
  files[0] = {"recipes/r.yaml", list(", override /data: small")};
  const auto twice = Tree(files).compose("r", {});
  CHECK(twice.choices.at("data") == "small");
  CHECK(twice.warnings ==
        Texts{"recipes/r.yaml:1:34: override data: recipes/r.yaml:1:57 overrides it too; the "
              "last wins"});
  files[0] = {"recipes/r.yaml", list("")};
  files.push_back({"recipes/outer.yaml", "defaults: [r, override /data: small]\n"});
  const auto nested = Tree(files).compose("outer", {});  // in another list: what including files are for
  CHECK(nested.choices.at("data") == "small");
  CHECK(nested.warnings.empty());
}

TEST_CASE("a choice of a group that nothing asks for is not looked into", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{{"c.yaml", "defaults: [g: a]\n"},
                                                                   {"g/a.yaml", "x: 1\n"}});
  config::ComposeRequest request{.primary = "c", .overrides = {"g@x=[[]]"}, .raw = true};
  request.folders = {{"", tree.folder()}};
  CHECK_THROWS_WITH(config::compose(request),
                    "override 1 (g@x=[[]]): g@x: nothing in the defaults lists has this key; did you mean g? "
                    "write +g@x=[[]] to add it");
  request.overrides = {"g=[[]]"};
  CHECK_THROWS_WITH(config::compose(request), "override 1 (g=[[]]): g: expected names of options, got []");
}

TEST_CASE("a word that adds a group is looked up from the primary's folder", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{
      {"sub/c.yaml", "x: 1\n"}, {"g/a.yaml", "v: 1\n"}, {"sub/g/a.yaml", "v: 2\n"}});
  config::ComposeRequest request{.primary = "sub/c", .overrides = {"+g=a"}, .raw = true};
  request.folders = {{"", tree.folder()}};
  CHECK(config::to_json(config::compose(request).config) == R"({"sub": {"x": 1, "g": {"v": 2}}})");
}

TEST_CASE("a map over what a resolver computed replaces it", "[compose]") {
  const Tree tree(std::vector<std::pair<std::string, std::string>>{
      {"c.yaml", "defaults: [_self_, g: a]\nv: \"${oc.decode:'{x: 1}'}\"\nw: \"${oc.create:{x: 1}}\"\n"},
      {"g/a.yaml", "# @package _global_\nv: {b: 2}\nw: {b: 2}\n"}});
  config::ComposeRequest request{.primary = "c", .raw = true};
  request.folders = {{"", tree.folder()}};
  CHECK(config::to_json(config::compose(request).config) == R"({"v": {"b": 2}, "w": {"x": 1, "b": 2}})");
}

}  // namespace compose_test
