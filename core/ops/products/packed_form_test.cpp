#include "core/ops/products/packed_form.h"

#include "core/error.h"
#include "core/testing/catch.h"

namespace packed_form_test {

using namespace subband;

static const PackedForm kFourBits{.rows = 3, .columns = 70, .bits = 4, .group = 32, .symmetric = false};

// What a file with this one matrix has.
static std::vector<SafetensorsEntry> entries_of(const std::string& name, const PackedForm& form) {
  const std::vector<int64_t> scales = {form.scale_rows(), form.groups()};
  std::vector<SafetensorsEntry> entries = {
      {.name = "packed/" + name + "/codes", .type = "U8", .shape = {form.rows, form.row_bytes()}},
      {.name = "packed/" + name + "/scales", .type = form.has_groups() ? "F16" : "F32", .shape = scales}};
  if (!form.symmetric)
    entries.push_back({.name = "packed/" + name + "/zeros", .type = "I8", .shape = scales});
  return entries;
}

TEST_CASE("a packed form counts its bytes", "[packed_form]") {
  CHECK(kFourBits.row_bytes() == 3 * 16);  // 70 values in blocks of 32
  CHECK(kFourBits.groups() == 3);
  CHECK(kFourBits.bytes() == 3 * 48 + 9 * (2 + 1));
  CHECK(PackedForm{.rows = 5, .columns = 128, .bits = 3}.bytes() == 5 * 48 + 5 * 4);
  CHECK(PackedForm{.rows = 5, .columns = 64, .bits = 2, .group = PackedForm::kTensor}.bytes() == 5 * 16 + 4);
  CHECK(PackedForm{.rows = 1, .columns = 1}.bytes() == 16 + 4);
  CHECK(kFourBits.text() == "4 bits, groups of 32, with zeros");
}

TEST_CASE("forms read back from the text that they are written as", "[packed_form]") {
  for (const int bits : {8, 4, 3, 2}) {
    for (const int64_t group : {PackedForm::kTensor, PackedForm::kRow, int64_t{32}, int64_t{256}}) {
      PackedForms forms = {{"a.weight", {.rows = 2, .columns = 300, .bits = bits, .group = group}}};
      CHECK(read_packed_forms(packed_forms_text(forms), "f", entries_of("a.weight", forms["a.weight"])) ==
            forms);
    }
  }
}

TEST_CASE("a form that its file does not keep is refused in one line", "[packed_form]") {
  const std::vector<SafetensorsEntry> entries = entries_of("w", kFourBits);
  const auto read = [](const std::string& text, const std::vector<SafetensorsEntry>& all) {
    return read_packed_forms(text, "f", all);
  };
  const std::string good = packed_forms_text({{"w", kFourBits}});
  CHECK(read(good, entries).size() == 1);
  CHECK_THROWS_WITH(read("[]", entries), "f: metadata 'packed' = []: must be a map from parameter to form");
  CHECK_THROWS_WITH(read("{}", entries), "f: \"packed/w/codes\": no form in the metadata 'packed' names it");
  CHECK_THROWS_WITH(read(good, {entries[0], entries[1]}), "f: packed \"w\": has no packed/w/zeros");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  CHECK_THROWS_WITH(read(changed("\"bits\":4", "\"bits\":5"), entries),
                    "f: packed \"w\": bits = 5: must be 8, 4, 3 or 2");
  CHECK_THROWS_WITH(read(changed("\"rows\":3", "\"rows\":0"), entries),
                    "f: packed \"w\": rows = 0: must be a size above 0");
  CHECK_THROWS_WITH(read(changed("\"32\"", "\"33\""), entries),
                    "f: packed \"w\": group = \"33\": must be tensor, row, 32, 64, 128 or 256, as text");
  CHECK_THROWS_WITH(read(changed("\"columns\":70", "\"columns\":700"), entries),
                    "f: packed \"w\": codes: expected U8 [3, 352], got U8 [3, 48]");
  std::vector<SafetensorsEntry> both = entries;
  both.push_back({.name = "model/w"});
  CHECK_THROWS_WITH(read(good, both), "f: packed \"w\": stands beside model/w: must be one of both");
  CHECK_THROWS_WITH(packed_group("48", "command line"),
                    "command line: --group = 48: must be tensor, row, 32, 64, 128 or 256");
}

}  // namespace packed_form_test
