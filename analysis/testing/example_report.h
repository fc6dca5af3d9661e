// A small report that every format is tried with.
#pragma once
#include <string>

#include "analysis/format.h"
#include "core/testing/nasty_names.h"

namespace subband::testing {

inline Report example_report() {
  Table table{.columns = {{.title = "row", .may_shrink = true},
                          {.title = "bpb", .is_number = true},
                          {.title = "sd", .is_number = true, .is_for_data = true}},
              .rows = {{{.text = "base"}, number_cell("2.50 ± 0.01", 2.5), number_cell("0.01", 0.01)},
                       {{.text = "no | bypass, _a_"}, empty_cell(), empty_cell()}}};
  return {.title = "a sweep",
          .blocks = {std::move(table), Claims{{{.row = "base", .is = "worse", .finding = "nothing"}}},
                     Notes{{"1 of 2 seeds failed"}}, Curves{.title = "a sweep"}},
          .facts = {{"cells", 2}}};
}

/// One row for each nasty name, the name as label, note and in pieces; `title` is one of them too.
inline Report nasty_report() {
  Table table{.columns = {{.title = "row, `touch PWNED` | <b>"}, {.title = "=1+1", .is_number = true}}};
  Notes notes;
  for (const std::string& name : nasty_names()) {
    table.rows.push_back({{.text = name}, cell_of({{name, Look::code}, {.text = name, .link = name}})});
    if (!name.empty()) notes.lines.push_back(name);
  }
  return {.title = "my sweep (v2) #1: `x`", .blocks = {std::move(table), std::move(notes)}};
}

inline std::string written(const std::string& format, const Report& report, size_t columns = 100) {
  return make_format(format, {.columns = columns})->write(report);
}

}  // namespace subband::testing
