#include "experiments/data/list_expressions.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "core/testing/catch.h"
#include "core/text.h"

namespace list_expressions_test {
using namespace subband;

// A second evaluator, by recursion over the words of the text.
static int64_t value_of_words(const std::vector<std::string>& words, size_t& at) {
  const std::string word = words.at(at++);
  if (word[0] != '[') return *parse_integer(word);
  std::vector<int64_t> arguments;
  while (words.at(at) != "]") arguments.push_back(value_of_words(words, at));
  ++at;
  std::ranges::sort(arguments);
  if (word == "[MIN") return arguments.front();
  if (word == "[MAX") return arguments.back();
  if (word == "[SM") {
    int64_t sum = 0;
    for (const int64_t each : arguments) sum += each;
    return sum % 10;
  }
  const size_t half = arguments.size() / 2;
  if (arguments.size() % 2 == 1) return arguments[half];
  return static_cast<int64_t>(0.5 * static_cast<double>(arguments[half - 1] + arguments[half]));
}

static std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& word : split(text, ' ')) {
    if (word != "(" && word != ")") words.push_back(word);
  }
  return words;
}

static std::vector<ListTokens> some_expressions(int64_t count, int64_t* attempts = nullptr) {
  Draws draws(7, "expressions");
  std::vector<ListTokens> all;
  for (int64_t tried = 1; std::ssize(all) < count; ++tried) {
    if (auto tokens = draw_list_expression(draws, {})) all.push_back(std::move(*tokens));
    if (attempts) *attempts = tried;
  }
  return all;
}

TEST_CASE("the published examples of ListOps have their values", "[list_expressions]") {
  const std::vector<std::pair<std::string, int64_t>> known = {{"[SM 5 6 X", 1},
                                                              {"[SM 9 9 9 X", 7},
                                                              {"[MED 3 8 X", 5},
                                                              {"[MED 0 1 2 9 X", 1},
                                                              {"[MIN [SM 5 6 X [MED 0 1 2 9 X 7 X", 1},
                                                              {"[MAX 4 3 X", 4},
                                                              {"( ( ( [MAX 4 ) 3 ) ] )", 4}};
  for (const auto& [text, value] : known)
    CHECK(value_of_list_expression(read_list_expression(text)) == value);
}

TEST_CASE("drawn expressions have the value that a second evaluator gives their text", "[list_expressions]") {
  for (const ListTokens& tokens : some_expressions(200)) {
    const std::string text = list_expression_text(tokens);
    const auto words = words_of(text);
    size_t at = 0;
    CHECK(value_of_words(words, at) == value_of_list_expression(tokens));
    CHECK(at == words.size());
    CHECK(words.size() == tokens.size());
    CHECK(read_list_expression(text) == tokens);
  }
}

TEST_CASE("expressions are written in left-nested pairs", "[list_expressions]") {
  CHECK(list_expression_text(read_list_expression("[MAX 4 3 ]")) == "( ( ( [MAX 4 ) 3 ) ] )");
  CHECK(list_expression_text(read_list_expression("[SM [MIN 1 2 ] 3 ]")) ==
        "( ( ( [SM ( ( ( [MIN 1 ) 2 ) ] ) ) 3 ) ] )");
}

// Shares as measured on 20,000 expressions of the original generator; here 4,000, so a margin of three standard errors.
TEST_CASE("expressions are distributed as Long Range Arena's", "[list_expressions]") {
  constexpr int64_t kCount = 4'000;
  int64_t attempts = 0;
  std::array<double, 10> labels{};
  std::map<uint16_t, std::array<double, 10>> labels_of_root;
  std::vector<double> lengths;
  double sum = 0;
  for (const ListTokens& tokens : some_expressions(kCount, &attempts)) {
    const auto value = static_cast<size_t>(value_of_list_expression(tokens));
    ++labels[value];
    ++labels_of_root[tokens[0]][value];
    lengths.push_back(static_cast<double>(tokens.size()));
    sum += lengths.back();
  }
  std::ranges::sort(lengths);
  CHECK(static_cast<double>(kCount) / static_cast<double>(attempts) == Approx(0.0835).margin(0.004));
  CHECK(sum / kCount == Approx(1041).margin(20));
  CHECK(lengths[kCount / 2] == Approx(960).margin(30));
  CHECK(lengths[kCount / 20] == Approx(539).margin(12));
  CHECK(lengths[kCount * 95 / 100] == Approx(1806).margin(25));
  CHECK(lengths.front() > 500);
  CHECK(lengths.back() < 2000);
  CHECK(*std::ranges::max_element(labels) / kCount == Approx(0.173).margin(0.018));
  double right = 0;
  CHECK(labels_of_root.size() == 4);
  for (const auto& [root, counts] : labels_of_root) {
    double all = 0;
    for (const double count : counts) all += count;
    CHECK(all / kCount == Approx(0.25).margin(0.021));
    right += *std::ranges::max_element(counts);
  }
  CHECK(right / kCount == Approx(0.36).margin(0.023));
}

TEST_CASE("what is no expression is refused", "[list_expressions]") {
  const auto value = [](const char* text) { return value_of_list_expression(read_list_expression(text)); };
  CHECK_THROWS_WITH(value("[MAX 1 2"), "listops: expression: is not one closed list");
  CHECK_THROWS_WITH(value("1 ]"), "listops: expression: a bracket closes nothing");
  CHECK_THROWS_WITH(value("[MAX ]"), "listops: expression: a bracket closes nothing");
  CHECK_THROWS_WITH(value("[MUL 1 2 ]"), "listops: expression: unknown word '[MUL'");
}

}  // namespace list_expressions_test
