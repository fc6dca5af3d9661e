// Text: joining, splitting, numbers as people and files write them, spelling suggestions.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

std::string join(std::span<const std::string> words, std::string_view between);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
bool is_utf8(std::string_view text);

/// Shortest decimal text that reads back to the same double; `1.0` keeps its point, `.inf`, `-.inf`, `.nan`.
std::string number_text(double value);
/// The whole text as a number, or nothing; no leading or trailing characters allowed.
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);

/// `12,345,678`
std::string grouped(int64_t value);
/// `3 s`, `2 min 05 s`, `1 h 02 min`
std::string duration_text(double seconds);
/// `512 B`, `3.4 MiB`
std::string bytes_text(double bytes);

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
int64_t edit_distance(std::string_view a, std::string_view b);
/// The known word nearest to `word`, if it is near enough to be a slip of the finger.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);
/// `; did you mean 'heads'? known: causal, heads` or `; known: …`, or nothing when nothing is known.
std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace subband
