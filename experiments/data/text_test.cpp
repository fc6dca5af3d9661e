#include <cstdlib>

#include "core/error.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "experiments/testing/corpora.h"

using namespace subband;
using config::Node;

namespace text_data_test {

static std::shared_ptr<Data> text(const Node& node) {
  return testing::made<Data>("text", node, {program_root()});
}

static Node bundled(const std::string& name, const std::string& file) {
  return testing::text_node(name, "train", "experiments/data/" + file);
}

static std::string complaint(const Node& node) {
  try {
    text(node);
  } catch (const ConfigError& wrong) {
    return wrong.what();
  }
  return "accepted";
}

}  // namespace text_data_test
using text_data_test::complaint;

TEST_CASE("the bundled texts have their published words", "[text_data]") {
  const std::vector<std::pair<std::string, int64_t>> published = {{"wikitext_2/train.txt.xz", 2088628},
                                                                  {"wikitext_2/valid.txt.xz", 217646},
                                                                  {"wikitext_2/test.txt.xz", 245569}};
  for (const auto& [file, words] : published)
    CHECK(text_data_test::text(text_data_test::bundled("wikitext_2", file))->text("train").words == words);
}

TEST_CASE("fractions of a text are its parts without gap or overlap", "[text_data]") {
  Node node = text_data_test::bundled("shakespeare", "tinyshakespeare/input.txt.xz");
  const std::string whole = text_data_test::text(node)->text("train").text;
  CHECK(whole.size() == 1115394);
  const Node files = *node.at("splits.train.files");
  node.set_at("splits.train.to", Node(0.9));
  node.set_at("splits.valid.files", files);
  node.set_at("splits.valid.from", Node(0.9));
  const auto data = text_data_test::text(node);
  CHECK(data->splits() == std::vector<std::string>{"train", "valid"});
  CHECK(data->text("train").text.size() == 1003854);
  CHECK((data->text("train").text + data->text("valid").text == whole));
}

TEST_CASE("a cut never falls inside a character, and byte ranges are exact elsewhere", "[text_data]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.txt", "ab\u20acd");  // bytes 2 to 4 are one character
  Node node = testing::text_node("euro", "train", (folder / "a.txt").string());
  const auto cut = [&](int64_t from, int64_t to) {
    node.set_at("splits.train.from_byte", Node(from));
    node.set_at("splits.train.to_byte", Node(to));
    return text_data_test::text(node)->text("train").text;
  };
  CHECK(cut(0, 2) == "ab");
  CHECK(cut(1, 4) == "b");
  CHECK(cut(4, 6) == "\u20acd");
  CHECK(cut(5, 100) == "d");
}

TEST_CASE("rows keep their line end, blank lines are empty rows, two newlines join them", "[text_data]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.txt", " \n = A = \n\nb\nlast");
  Node node = testing::text_node("rows", "test", (folder / "a.txt").string());
  node.set("join", Node("rows"));
  const TextSplit split = text_data_test::text(node)->text("test");
  CHECK(split.text == "\n\n = A = \n\n\n\n\nb\n\n\nlast");
  CHECK(split.words == 5 + 4);
}

TEST_CASE("the manifest names every file once with the checksum of its bytes on the disk", "[text_data]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.txt", "abc");
  Node node = testing::text_node("abc", "train", (folder / "a.txt").string());
  node.set_at("splits.valid", *node.at("splits.train"));
  const auto data = text_data_test::text(node);
  CHECK(data->manifest() == DataManifest{{(folder / "a.txt").string(), sha256_hex("abc")}});
  CHECK(data->layout("train") == data->layout("valid"));
  node.set_at("splits.valid.to", Node(0.5));
  CHECK(text_data_test::text(node)->layout("train") != text_data_test::text(node)->layout("valid"));
}

TEST_CASE("a relative file is looked for under SUBBAND_DATA too", "[text_data]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "own/a.txt", "mine");
  const Node node = testing::text_node("own", "train", "own/a.txt");
  ::setenv("SUBBAND_DATA", folder.path().c_str(), 1);
  const std::string found = text_data_test::text(node)->text("train").text;
  ::unsetenv("SUBBAND_DATA");
  CHECK(found == "mine");
}

TEST_CASE("a missing file's message says where it goes and what to fetch", "[text_data]") {
  Node node = testing::text_node("pg19", "train", "pg19/a.txt");
  const std::string where = "data.pg19: file = pg19/a.txt: not found in " + program_root().string() +
                            " or SUBBAND_DATA = (not set); ";
  CHECK_THROWS_WITH(text_data_test::text(node)->manifest(), where + "put it there or give its absolute path");
  node.set("fetch", Node("fetch the PG-19 archive"));
  CHECK_THROWS_WITH(text_data_test::text(node)->text("train"), where + "fetch the PG-19 archive");
}

TEST_CASE("wrong content, an unknown split and an empty corpus are refused", "[text_data]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "a.txt", "abc");
  write_file(folder / "none.txt", "");
  const std::string file = (folder / "a.txt").string();
  Node node = testing::text_node("abc", "train", file);
  CHECK_THROWS_WITH(text_data_test::text(node)->text("trian"),
                    "data.abc: split = trian: unknown split; did you mean 'train'? known: train");
  node.set_at("splits.train.sha256", Node::list({Node(sha256_hex("abd"))}));
  CHECK_THROWS_WITH(text_data_test::text(node)->text("train"),
                    "data.abc: " + file + ": sha256 of its content = " + sha256_hex("abc") + ": must be " +
                        sha256_hex("abd") + "; fetch the file again");
  CHECK_THROWS_WITH(text_data_test::text(node)->manifest(),  // when it is planned, not after the training
                    Catch::StartsWith("data.abc: " + file + ": sha256 of its content = "));
  CHECK_THROWS_WITH(
      text_data_test::text(testing::text_node("n", "train", (folder / "none.txt").string()))->text("train"),
      "data.n: split train: bytes 0 to 0 of 0: must hold some text");
}

TEST_CASE("a pointer, a page, Parquet and UTF-16 are never trained on", "[text_data]") {
  const testing::TemporaryFolder folder;
  const auto said = [&](const std::string& content) {
    const std::string file = (folder / "a.txt").string();
    write_file(file, content);
    try {
      text_data_test::text(testing::text_node("t", "train", file))->text("train");
    } catch (const Error& error) {
      std::string line = error.what();
      for (size_t at; (at = line.find(file)) != std::string::npos;) line.replace(at, file.size(), "F");
      return line;
    }
    return std::string("accepted");
  };
  CHECK(said("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n") ==
        "F: is a Git LFS pointer, no data; git lfs pull fetches the file itself");
  CHECK(said("<!DOCTYPE html>\n<title>Sign in</title>") ==
        "F: is an HTML page, no data; it was fetched from a wrong address, or needs a login");
  CHECK(said("PAR1\x15\4").starts_with("data.t: F: is a Parquet file, no text to train on; python3 -c "));
  CHECK(said(std::string("\xff\xfe" "a\0b\0", 6)) ==
        "data.t: F: is UTF-16 text, no text to train on; iconv -t utf-8 converts it");
  CHECK(said(std::string("\x1f\x8b\x08\0\0", 5)) ==
        "data.t: F: is a gzip file, no text to train on; name it .gz");
  CHECK(said("a text about <html>") == "accepted");
  write_file(folder / "a.txt", "PAR1\x15\4");
  CHECK_THROWS_WITH(text_data_test::text(testing::text_node("t", "train", (folder / "a.txt").string()))->manifest(),
                    Catch::ContainsSubstring(": is a Parquet file, no text to train on; "));  // known when planned
  std::filesystem::create_symlink("gone", folder / "link.txt");
  const std::string link = (folder / "link.txt").string();
  CHECK_THROWS_WITH(text_data_test::text(testing::text_node("t", "train", link))->manifest(),
                    link + ": cannot be read: is a link to gone, where nothing lies");
}

TEST_CASE("a corpus that contradicts itself is refused while its spec is bound", "[text_data]") {
  Node node = testing::text_node("t", "train", "a.txt");
  node.set_at("splits.train.from", Node(0.5));
  node.set_at("splits.train.to", Node(0.25));
  CHECK(complaint(node) == "data.splits.train.to = 0.25: must be above from = 0.5");
  node.set_at("splits.train.to", Node(1.5));
  CHECK(complaint(node) == "data.splits.train.to = 1.5: must be 0 to 1");
  CHECK(complaint(Node::map()) == "data.splits: must be a map from split to its files");
  Node typo = testing::text_node("t", "train", "a.txt");
  typo.set_at("splits.train.form", Node(0.5));
  CHECK(complaint(typo) ==
        "data.splits.train.form: unknown key; did you mean 'from'? "
        "known: files, from, from_byte, sha256, to, to_byte");
}
