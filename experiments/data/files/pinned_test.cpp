#include "experiments/data/files/pinned.h"

#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "experiments/data/files/token_file.h"
#include "experiments/testing/corpora.h"

using namespace subband;

TEST_CASE("data that were changed since a run began are refused by name, whatever is opened of them",
          "[pinned]") {
  const testing::TemporaryFolder folder;
  const std::string file = (folder / "a.txt").string();
  write_file(file, "one two three");
  const auto tokenizer = testing::made<Tokenizer>("bytes");
  const std::shared_ptr<const Data> data =
      testing::made<Data>("text", testing::text_node("own", "train", file), {"/"});
  const auto pinned = pinned_data(data, data->manifest());
  CHECK(pinned->text("train").text == "one two three");
  CHECK(pinned->manifest() == data->manifest());
  CHECK(pinned->name() == "own");
  CHECK(pinned->layout("train") == data->layout("train"));
  CHECK(open_tokens(*pinned, *tokenizer, "train", folder / "cache").tokens() == 13);
  const std::string before = sha256_hex("one two three").substr(0, 16);
  write_file(file, "one two four");
  const std::string line =
      "data.own: " + file + ": sha256 = " + sha256_hex("one two four").substr(0, 16) + ": was " + before +
      " when the run began; put it back and run the same command again, or run anew with the file "
      "as it is";
  CHECK_THROWS_WITH(pinned->text("train"), line);
  CHECK_THROWS_WITH(pinned->manifest(), line);
  CHECK_THROWS_WITH(open_tokens(*pinned, *tokenizer, "train", folder / "cache"), line);
  write_file(file, "one two three");
  CHECK(open_tokens(*pinned, *tokenizer, "train", folder / "cache").tokens() == 13);
}

TEST_CASE("files that came and files that went are changes too", "[pinned]") {
  const auto changes =
      manifest_changes("data.x", {{"a", "11"}, {"b", "22"}}, {{"b", "22"}, {"c", "33"}}, "when planned");
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].message.starts_with("a: sha256 = absent: was 11 when planned; "));
  CHECK(changes[1].message.starts_with("c: sha256 = 33: was absent when planned; "));
}
