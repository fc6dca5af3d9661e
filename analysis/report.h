// A report: what is to be read, whatever language it is written in. Formats (format.h) write it.
#pragma once
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runs/sweep_manifest.h"

namespace subband {

/// How a piece of text looks, where the language has looks.
enum class Look { plain, code, strong };

struct Span {
  std::string text;
  Look look = Look::plain;
  std::string link = {};   ///< a file beside the report; empty: none
  bool ends_line = false;  ///< what follows stands on a line of its own
};

struct TableColumn {
  std::string title;
  bool is_number = false;    ///< set to the right
  bool may_shrink = false;   ///< cut where a terminal is too narrow
  bool is_for_data = false;  ///< for programs alone (CSV, JSON): what people read elsewhere in the row
};

struct TableCell {
  std::string text;                        ///< for people
  nlohmann::ordered_json value = nullptr;  ///< for programs; null: the text
  bool is_empty = false;         ///< nothing is known: `text` says so to people, programs find nothing
  std::vector<Span> spans = {};  ///< the text in pieces, where they differ in looks
};

struct Table {
  std::vector<TableColumn> columns;
  std::vector<std::vector<TableCell>> rows;  ///< each as long as `columns`
  bool is_view = false;                      ///< what another table says too, for people alone
  std::optional<size_t> best = {};           ///< the row to look at first
};

struct Heading {
  std::string text;
};
struct Paragraph {
  std::vector<Span> spans;
};
struct Notes {
  std::vector<std::string> lines;
};
struct Claims {
  std::vector<SweepClaim> claims;  ///< judged
};
struct Curves {
  std::string title;
  std::filesystem::path picture;  ///< empty: there is none
  std::string link;               ///< the picture as seen from the report; empty: the report lies nowhere
};
using ReportBlock = std::variant<Heading, Paragraph, Table, Claims, Notes, Curves>;

struct Report {
  std::string title;
  bool is_page = false;  ///< the title is that of a whole page
  std::vector<ReportBlock> blocks;
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();  ///< for programs, besides the blocks
};

/// A cell that says that nothing is known.
TableCell empty_cell(const std::string& text = "–");
TableCell number_cell(const std::string& text, double value);
TableCell cell_of(std::vector<Span> spans);

/// The lines of a block that is a list: claims or notes.
std::vector<std::string> lines_of(const ReportBlock& block);
/// The tables of a report that are for programs too, in their order.
std::vector<const Table*> tables_of(const Report& report);

}  // namespace subband
