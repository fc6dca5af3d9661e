#include <nlohmann/json.hpp>

#include "core/testing/catch.h"
#include "experiments/commands/commands.h"
#include "experiments/testing/corpora.h"

using namespace subband;

TEST_CASE("tokenize counts a corpus as published", "[tokenize]") {
  const auto [code, text] = testing::output_of(command_tokenize, {"wikitext_2_raw_test", "--json"});
  REQUIRE(code == 0);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["vocabulary"] == 50257);
  CHECK(json["splits"][0]["split"] == "test");
  CHECK(json["splits"][0]["tokens"] == 287644);
  CHECK(json["splits"][0]["bytes"] == 1296370);
  CHECK(json["splits"][0]["words"] == 245569);
  CHECK(json["splits"][0]["bytes_per_token"].get<double>() == Approx(4.50686).margin(1e-5));
}

TEST_CASE("tokenize takes a file of the user's and shows its first tokens", "[tokenize]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "mine.txt", "Hello world\n");
  const auto [code, text] =
      testing::output_of(command_tokenize, {(folder / "mine.txt").string(), "--show", "2"});
  CHECK(code == 0);
  CHECK(text.find("mine.txt, split all, gpt2 (vocabulary 50,257)\n  tokens           3\n") == 0);
  CHECK(text.find("   15496  \"Hello\"\n     995  \" world\"\n") != text.npos);
}

TEST_CASE("tokenize finds a corpus of the user's own folder, and its letters are shown, never obeyed", "[tokenize]") {
  const testing::TemporaryFolder folder;
  write_file(folder / "data/mine.yaml", "type: own_text\nfiles: [mine.txt]\nonly: train\n");
  write_file(folder / "data/mine.txt", "\xe2\x80\xae!");  // turns the direction of writing
  const auto [code, text] =
      testing::output_of(command_tokenize, {"mine", "--config-dir", folder.path().string(), "--show", "1"});
  CHECK(code == 0);
  CHECK(text.find("own, split train, gpt2 (vocabulary 50,257)\n") == 0);
  CHECK(text.find("\xe2\x80\xae") == text.npos);
}

TEST_CASE("tokenize names the corpora, tokenisers and splits that there are", "[tokenize]") {
  const auto message = [](const std::vector<std::string>& arguments) {
    const auto [code, text] = testing::output_of(command_tokenize, arguments);
    return std::pair(code, nlohmann::json::parse(text)["error"]["message"].get<std::string>());
  };
  const auto split = message({"tinyshakespeare", "--split", "tset", "--json"});
  CHECK(split.first == 2);
  CHECK(split.second == "split = tset: unknown split; did you mean 'test'? known: test, train, valid");
  const auto tokenizer = message({"tinyshakespeare", "--tokenizer", "gpt3", "--json"});
  CHECK(tokenizer.first == 2);
  CHECK(tokenizer.second.find("did you mean 'gpt2'?") != std::string::npos);
  const auto corpus = message({"tinyshakespear", "--json"});
  CHECK(corpus.first == 2);
  CHECK(corpus.second.find("tinyshakespeare") != std::string::npos);
}
