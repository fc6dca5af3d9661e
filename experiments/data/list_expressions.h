// ListOps: nested expressions over digits, as the generator of Long Range Arena draws them. No LibTorch.
//   [MAX 4 [MIN 2 3 ] 0 ]  is 4
// Ids     0 padding; 1 … 10 the digits 0 … 9; then MIN, MAX, MED, SM and the closing bracket
// Values  MIN, MAX; MED the median, of an even count the mean of the middle two cut to an integer; SM the sum modulo 10
// Source  Nangia & Bowman 2018, arXiv 1804.06028; generator: Long Range Arena, arXiv 2011.04006
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/draws.h"

namespace subband {

inline constexpr int64_t kListVocabulary = 16;

/// How expressions are drawn; the defaults are Long Range Arena's.
struct ListRules {
  int64_t min_length = 500;   ///< tokens are more than this,
  int64_t max_length = 2000;  ///< and fewer than this
  int64_t max_depth = 10;     ///< of the tree; digits stand at the deepest
  int64_t max_arguments = 10;
  double operator_share = 0.25;  ///< probability that a node above the deepest is an operator
};

using ListTokens = std::vector<uint16_t>;

/// One attempt: nothing where the expression is too short or too long.
std::optional<ListTokens> draw_list_expression(Draws& draws, const ListRules& rules);
/// 0 … 9. Error where the tokens are no expression.
int64_t value_of_list_expression(std::span<const uint16_t> tokens);
/// As published files have it, in left-nested pairs: `( ( ( [MAX 4 ) 3 ) ] )`.
std::string list_expression_text(std::span<const uint16_t> tokens);
/// Reads tokens separated by blanks; parentheses count for nothing, `X` and `]` are the same. Error for other words.
ListTokens read_list_expression(std::string_view text);

}  // namespace subband
