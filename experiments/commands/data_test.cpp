#include <nlohmann/json.hpp>

#include "core/testing/catch.h"
#include "experiments/commands/commands.h"
#include "experiments/testing/corpora.h"

using namespace subband;

TEST_CASE("data list knows the bundled corpora, their splits and that their files are here",
          "[data_command]") {
  const auto [code, text] = testing::output_of(command_data, {"list", "--json"});
  REQUIRE(code == 0);
  std::map<std::string, nlohmann::json> corpora;
  const auto json = nlohmann::json::parse(text);
  for (const auto& entry : json["data"]) corpora[entry["name"]] = entry;
  CHECK(corpora["tinyshakespeare"]["splits"] == nlohmann::json{"train", "valid", "test"});
  CHECK(corpora["wikitext_2"]["files"].size() == 3);
  CHECK(corpora["wikitext_2_raw_test"]["splits"] == nlohmann::json{"test"});
  for (const char* bundled : {"tinyshakespeare", "wikitext_2", "wikitext_2_raw_test"})
    CHECK_FALSE(corpora[bundled].contains("problem"));
  if (corpora["wikitext_103"].contains("problem"))  // a user may have it
    CHECK_THAT(corpora["wikitext_103"]["problem"].get<std::string>(),
               Catch::ContainsSubstring("unpack wikitext-103-raw-v1.zip"));
  CHECK(corpora["mnist"]["splits"] == nlohmann::json{"train", "valid", "test"});  // here or not
  CHECK_FALSE(corpora.contains("text"));                                          // a kind of data, no corpus
}

TEST_CASE("data prepare writes the token files that a run will ask for", "[data_command]") {
  const testing::TemporaryFolder store;
  const auto [code, text] = testing::output_of(
      command_data,
      {"prepare", "tinyshakespeare", "--split", "valid", "--json", "--store", store.path().string()});
  REQUIRE(code == 0);
  const auto prepared = nlohmann::json::parse(text)["prepared"][0];
  CHECK(prepared["tokens"] == 55770);
  CHECK(prepared["bytes"] == 55770);
  CHECK(std::filesystem::path(prepared["file"].get<std::string>()).parent_path() == store / "cache");
  CHECK(std::filesystem::exists(prepared["file"].get<std::string>()));
}

TEST_CASE("data generate writes ListOps as Long Range Arena does, the same for the same seed",
          "[data_command]") {
  const testing::TemporaryFolder folder;
  const auto generated = [&](const std::string& out, const std::string& seed) {
    const auto [code, text] =
        testing::output_of(command_data, {"generate", "listops", "--out", (folder / out).string(), "--seed",
                                          seed, "--count", "20", "--valid", "5", "--test", "5", "--json"});
    REQUIRE(code == 0);
    return nlohmann::json::parse(text)["generated"];
  };
  const auto first = generated("a", "1"), again = generated("b", "1"), other = generated("c", "2");
  CHECK(first[0]["sha256"] == again[0]["sha256"]);
  CHECK(first[2]["sha256"] != other[2]["sha256"]);
  config::Node node = config::Node::map();
  node.set("train", config::Node((folder / "a").string() + "/basic_train.tsv"));
  CHECK(testing::made<Data>("listops_file", node)->examples("train").size() ==
        20);  // every label is recomputed
  CHECK(testing::output_of(command_data, {"generate", "mnist", "--out", (folder / "d").string()}).first == 2);
}

TEST_CASE("the three splits of tinyshakespeare are the whole text", "[data_command]") {
  Registry registry;
  register_corpora_parts(registry);
  const auto data = open_corpus(registry, "tinyshakespeare");
  size_t bytes = 0;
  for (const std::string& split : data->splits()) bytes += data->text(split).text.size();
  CHECK(bytes == 1115394);
  CHECK(data->text("train").text.size() == 1003854);
}
