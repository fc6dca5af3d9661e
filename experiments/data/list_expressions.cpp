#include "experiments/data/list_expressions.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "core/error.h"

namespace subband {

namespace {

constexpr uint16_t kFirstDigit = 1, kMin = 11, kMax = 12, kMed = 13, kSm = 14, kClose = 15;
constexpr std::array<std::string_view, kListVocabulary> kWords = {
    "", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "[MIN", "[MAX", "[MED", "[SM", "]"};

bool is_operator(uint16_t token) { return token >= kMin && token <= kSm; }
bool is_digit(uint16_t token) { return token >= kFirstDigit && token < kMin; }

// Appends a node; false as soon as the whole is too long.
bool append_node(Draws& draws, const ListRules& rules, int64_t depth, ListTokens& tokens) {
  if (std::ssize(tokens) >= rules.max_length) return false;
  const bool is_leaf = depth >= rules.max_depth || draws.uniform() > rules.operator_share;
  if (is_leaf) {
    tokens.push_back(static_cast<uint16_t>(kFirstDigit + draws.below(10)));
    return true;
  }
  const size_t opening = tokens.size();
  tokens.push_back(kMin);
  const int64_t arguments = draws.between(2, rules.max_arguments);
  for (int64_t i = 0; i < arguments; ++i) {
    if (!append_node(draws, rules, depth + 1, tokens)) return false;
  }
  tokens[opening] =
      static_cast<uint16_t>(kMin + draws.below(4));  // drawn after its arguments, as in the original
  tokens.push_back(kClose);
  return true;
}

int64_t applied(uint16_t operation, std::vector<int64_t>& arguments) {
  if (operation == kMin) return *std::ranges::min_element(arguments);
  if (operation == kMax) return *std::ranges::max_element(arguments);
  if (operation == kSm) return std::accumulate(arguments.begin(), arguments.end(), int64_t{0}) % 10;
  std::ranges::sort(arguments);
  const size_t count = arguments.size();
  return (arguments[(count - 1) / 2] + arguments[count / 2]) / 2;
}

[[noreturn]] void refuse_expression(const std::string& rule) {
  throw Error("listops", "expression: " + rule);
}

}  // namespace

std::optional<ListTokens> draw_list_expression(Draws& draws, const ListRules& rules) {
  ListTokens tokens;
  if (!append_node(draws, rules, 1, tokens)) return {};
  const int64_t length = std::ssize(tokens);
  if (length <= rules.min_length || length >= rules.max_length) return {};
  return tokens;
}

int64_t value_of_list_expression(std::span<const uint16_t> tokens) {
  struct Open {
    uint16_t operation;
    std::vector<int64_t> arguments;
  };
  std::vector<Open> open = {{0, {}}};  // the outermost collects the value of the whole
  for (const uint16_t token : tokens) {
    if (is_operator(token)) {
      open.push_back({token, {}});
    } else if (is_digit(token)) {
      open.back().arguments.push_back(token - kFirstDigit);
    } else if (token == kClose) {
      if (open.size() == 1 || open.back().arguments.empty()) refuse_expression("a bracket closes nothing");
      const int64_t value = applied(open.back().operation, open.back().arguments);
      open.pop_back();
      open.back().arguments.push_back(value);
    } else {
      refuse_expression("token " + std::to_string(token) + " is none");
    }
  }
  if (open.size() != 1 || open[0].arguments.size() != 1) refuse_expression("is not one closed list");
  return open[0].arguments[0];
}

std::string list_expression_text(std::span<const uint16_t> tokens) {
  // Every member of a list but its operator closes one pair, so the list opens as many as it has members.
  std::vector<std::string> written;  // finished nodes and open operators
  std::vector<size_t> starts;        // where each open list begins in `written`
  for (const uint16_t token : tokens) {
    written.emplace_back(kWords.at(token));
    if (is_operator(token)) starts.push_back(written.size() - 1);
    if (token != kClose) continue;
    const size_t start = starts.back();
    starts.pop_back();
    std::string text;
    for (size_t pair = start + 1; pair < written.size(); ++pair) text += "( ";
    text += written[start];
    for (size_t member = start + 1; member < written.size(); ++member) text += " " + written[member] + " )";
    written.resize(start);
    written.push_back(std::move(text));
  }
  return written.empty() ? "" : written.front();
}

ListTokens read_list_expression(std::string_view text) {
  ListTokens tokens;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty() || word == "(" || word == ")") continue;
    if (word == "X") word = "]";
    const auto found = std::ranges::find(kWords, word);
    if (found == kWords.end()) refuse_expression("unknown word '" + std::string(word) + "'");
    tokens.push_back(static_cast<uint16_t>(found - kWords.begin()));
  }
  return tokens;
}

}  // namespace subband
