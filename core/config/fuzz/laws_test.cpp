// What the fuzz targets found worth keeping, once more: corpus/TARGET.tar.xz, filled by `run`.
#include "core/config/fuzz/laws.h"

#include <archive.h>
#include <archive_entry.h>

#include "core/files.h"
#include "core/languages/terminal.h"
#include "core/testing/catch.h"
#include "core/testing/nasty_names.h"

namespace laws_test {

using namespace subband;

// Calls `body` with every file of an archive; returns how many there are.
template <class Body>
static int for_each_file(const std::filesystem::path& file, const Body& body) {
  archive* reader = archive_read_new();
  archive_read_support_filter_xz(reader);
  archive_read_support_format_tar(reader);
  REQUIRE(archive_read_open_filename(reader, file.c_str(), 1 << 16) == ARCHIVE_OK);
  int count = 0;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
    REQUIRE(archive_read_data(reader, text.data(), text.size()) == static_cast<la_ssize_t>(text.size()));
    body(archive_entry_pathname(entry), text);
    ++count;
  }
  archive_read_free(reader);
  return count;
}

static void replay(const char* target, std::string (*law)(std::string_view)) {
  const auto file = program_root() / "core/config/fuzz/corpus" / (std::string(target) + ".tar.xz");
  const int count = for_each_file(file, [&](const char* name, const std::string& text) {
    const std::string broken = law(text);
    INFO(name);
    CHECK(broken.empty());
  });
  CHECK(count > 100);
}

TEST_CASE("any bytes are a YAML tree that reads back, or are refused", "[fuzz]") {
  replay("yaml", fuzz::yaml_law);
}

TEST_CASE("any word is an override whose value reads back, or is refused", "[fuzz]") {
  replay("override", fuzz::override_law);
}

TEST_CASE("any tree binds to what binds to itself, or is refused", "[fuzz]") {
  replay("binder", fuzz::binder_law);
}

TEST_CASE("any bytes are JSON that reads back, or are refused at a place", "[fuzz]") {
  replay("json", fuzz::json_law);
}

TEST_CASE("any bytes are a safetensors header that tiles its file, or are refused", "[fuzz]") {
  replay("safetensors", fuzz::safetensors_law);
}

TEST_CASE("any name comes back from every writer, and nothing obeys it", "[fuzz]") {
  replay("writers", fuzz::writers_law);
  for (const std::string& name : testing::nasty_names()) {
    INFO(shown(name));
    CHECK(fuzz::writers_law(name).empty());
  }
}

TEST_CASE("any bytes are packed weights of the size that their form says, or are refused", "[fuzz]") {
  replay("packed", fuzz::packed_law);
}

}  // namespace laws_test
