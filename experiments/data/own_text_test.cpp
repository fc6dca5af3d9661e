#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "experiments/commands/commands.h"
#include "experiments/data/own_data.h"
#include "experiments/testing/corpora.h"

using namespace subband;
using config::Node;

namespace own_text_test {

static std::shared_ptr<Data> own(const std::string& path,
                                 const std::vector<std::pair<std::string, Node>>& more = {}) {
  Node spec = own_data_spec("own", {path});
  spec.erase("type");
  for (const auto& [key, value] : more) spec.set(key, value);
  return testing::made<Data>("own_text", spec, {"/"});
}

static std::string all_of(const Data& data) {
  std::string all;
  for (const std::string& split : data.splits()) all += data.text(split).text;
  return all;
}

static std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace own_text_test
using namespace own_text_test;

TEST_CASE("the splits of a file are its parts at the documented fractions, without gap or overlap",
          "[own_text]") {
  const testing::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
  write_file(folder / "a.txt", text);
  const auto data = own(folder / "a.txt");
  CHECK(data->splits() == std::vector<std::string>{"train", "valid", "test"});
  CHECK(all_of(*data) == text);
  const double whole = static_cast<double>(text.size());
  CHECK(static_cast<double>(data->text("train").text.size()) / whole == Approx(0.9).margin(0.005));
  CHECK(static_cast<double>(data->text("test").text.size()) / whole == Approx(0.05).margin(0.005));
  for (const char* split : {"train", "valid", "test"}) CHECK(data->text(split).text.starts_with("line "));
  CHECK(data->text("valid").words == 2 * std::ranges::count(data->text("valid").text, '\n') +
                                         std::ranges::count(data->text("valid").text, '\n'));
  const auto halves = own(folder / "a.txt", {{"valid", Node(0.5)}, {"test", Node(0.0)}});
  CHECK(halves->splits() == std::vector<std::string>{"train", "valid"});
  CHECK(all_of(*halves) == text);
}

TEST_CASE("all of a text may be one split", "[own_text]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.txt", "some words\nand more\n");
  const auto data = own((folder / "a.txt").string(), {{"only", Node("test")}});
  CHECK(data->splits() == std::vector<std::string>{"test"});
  CHECK(data->text("test").text == "some words\nand more\n");
  CHECK(data->text("test").words == 6);
}

TEST_CASE("a text without lines is cut between characters", "[own_text]") {
  const testing::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 101; ++i) text += "\xe6\x96\x87";
  write_file(folder / "a.txt", text);
  const auto data = own(folder / "a.txt");
  CHECK(all_of(*data) == text);
  for (const char* split : {"train", "valid", "test"}) CHECK(data->text(split).text.size() % 3 == 0);
}

TEST_CASE("folders, globs and lines of JSON are documents in the order of their paths", "[own_text]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "d/b.txt", "second");
  write_file(folder / "d/a/a.md", "first");
  write_file(folder / "d/c.jsonl", "{\"text\": \"third\", \"id\": 1}\n\n{\"text\": \"fourth\\n\"}\n");
  write_file(folder / "d/picture.png", "no text");
  const Node no_test(0.0), half(0.5);
  const std::string dir = (folder / "d").string();
  CHECK(all_of(*own(dir, {{"test", no_test}})) == "first\n\nsecond\n\nthird\n\nfourth\n");
  CHECK(own(dir)->manifest().size() == 3);
  CHECK(all_of(*own(dir + "/*.jsonl", {{"test", no_test}})) == "third\n\nfourth\n");
  CHECK(all_of(*own(dir + "/[bc].*", {{"test", no_test}})) == "second\n\nthird\n\nfourth\n");
  write_file(folder / "d/c.jsonl", "{\"body\": \"other\"}\n{\"body\": 3}\n");
  CHECK(refusal([&] { own(dir)->text("train"); }) ==
        "data.own: " + dir +
            "/c.jsonl: line 1: has no text under 'text'; it has body; data.field names another");
  CHECK(refusal([&] {
          own(dir, {{"field", Node("body")}})->text("train");
        }) == "data.own: " + dir + "/c.jsonl: line 2: body = 3: must be text; data.field names another key");
  write_file(folder / "d/c.jsonl", "{\"text\": \"a\"}\nno JSON\n");
  CHECK(refusal([&] { own(dir)->text("train"); }) == dir + "/c.jsonl: line 2:1:2: is no JSON from here on");
}

TEST_CASE("what is no text is refused, and a path where nothing lies while it is written", "[own_text]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "p.parquet", "PAR1\x15\4");
  CHECK(refusal([&] { own(folder / "p.parquet")->manifest(); }) ==
        refusal([&] { own(folder / "p.parquet")->text("train"); }));
  CHECK(refusal([&] { own(folder / "p.parquet")->text("train"); })
            .starts_with("data.own: " + (folder / "p.parquet").string() +
                         ": is a Parquet file, no text to train on; python3"));
  write_file(folder / "l.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  CHECK(refusal([&] { own(folder / "l.txt")->manifest(); }) ==
        (folder / "l.txt").string() +
            ": is a Git LFS pointer, no data; git lfs pull fetches the file itself");
  CHECK(refusal([&] { own_data_spec("own", {(folder / "absent.txt").string()}); }) ==
        "data = " + (folder / "absent.txt").string() + ": no such file or folder");
  write_file(folder / "e/x.png", "");
  CHECK(refusal([&] { own(folder / "e")->manifest(); }) ==
        "data.own: files = " + (folder / "e").string() + ": holds no .txt, .text, .md or .jsonl file");
  CHECK(refusal([&] { own((folder / "*.tex").string())->manifest(); }) ==
        "data.own: files = " + (folder / "*.tex").string() + ": no such file");
  CHECK(refusal([&] { own("/dev/zero")->manifest(); }) ==
        "/dev/zero: is a device or a pipe, no data; give a file");
}

TEST_CASE("a path is an option of group data, with a note on its splits; a name is not", "[own_text]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "novel.txt", std::string(1000, 'a'));
  config::Warnings warnings;
  const auto spec = own_data_option((folder / "novel.txt").string(), warnings);
  REQUIRE(spec);
  CHECK(spec->find("name")->string() == "novel");
  CHECK(warnings.size() == 1);
  CHECK_THAT(warnings[0],
             Catch::EndsWith("trains on its first 90 %, validates on the next 5 % and tests on the last 5 %; "
                             "data.valid and data.test change that"));
  CHECK_FALSE(own_data_option("wikitext_2", warnings));
  CHECK_FALSE(own_data_option("texts", warnings));
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::filesystem::create_directory("texts");
  CHECK(own_data_option("texts", warnings));  // a folder of that name lies here
  std::filesystem::current_path(before);
  Registry registry;
  register_corpora_parts(registry);
  CHECK(open_corpus(registry, (folder / "novel.txt").string())->text("train").text.size() == 900);
  CHECK(open_corpus(registry, (folder / "*.txt").string())->name() == "own");
  const std::filesystem::path odd = folder / "odd/o'brien ${x}.txt";  // what means something elsewhere is its name
  write_file(odd, std::string(1000, 'a'));
  CHECK(open_corpus(registry, odd.string())->text("train").text.size() == 900);
  const std::string dir = (folder / "own").string();
  CHECK(testing::output_of(command_data, {"add", "odd", odd.string(), "--config-dir", dir}).first == 0);
  CHECK(open_corpus(registry, "odd", {}, {dir})->text("train").text.size() == 900);
}

TEST_CASE("data add gives own texts a name that is found beside the program's", "[own_text]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "novel.txt", std::string(1000, 'a'));
  const std::string dir = folder.path().string();
  const auto add = [&] {
    return testing::output_of(command_data, {"add", "mine", (folder / "novel.txt").string(), "--valid", "0.1",
                                             "--config-dir", dir});
  };
  const auto [code, text] = add();
  CHECK(code == 0);
  CHECK(text ==
        (folder / "data/mine.yaml").string() +
            "\n  train             850 bytes\n  valid             100 bytes\n  test               50 bytes\n"
            "train on it: subband run tinyshakespeare/wavelet data=mine --config-dir " +
            dir + "\n");
  CHECK(add().first == 1);
  Registry registry;
  register_corpora_parts(registry);
  CHECK(open_corpus(registry, "mine", {}, {folder.path()})->text("valid").text.size() == 100);
  CHECK(corpus_names(registry, {folder.path()}).size() == corpus_names(registry).size() + 1);
}

TEST_CASE("relative files are looked for beside the YAML that names them", "[own_text]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "data/texts/a.txt", std::string(1000, 'a'));
  write_file(folder / "data/near.yaml", "type: own_text\nfiles: [texts/a.txt]\n");
  write_file(folder / "data/plain.yaml",
             "type: text\nname: plain\nsplits: {train: {files: [texts/a.txt]}}\n");
  Registry registry;
  register_corpora_parts(registry);
  CHECK(open_corpus(registry, "near", {}, {folder.path()})->text("train").text.size() == 900);
  CHECK(open_corpus(registry, "plain", {}, {folder.path()})->text("train").text.size() == 1000);
}
