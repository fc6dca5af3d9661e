#include "experiments/data/files/data_files.h"

#include "core/files.h"
#include "core/hash.h"
#include "core/testing/catch.h"
#include "experiments/testing/labelled.h"

namespace data_files_test {
using namespace subband;
using testing::labelled;
using testing::TemporaryFolder;

TEST_CASE("a missing file's message says what to download and where it goes", "[data_files]") {
  const TemporaryFolder empty;
  const char* before = std::getenv("SUBBAND_DATA");
  const std::string saved = before ? before : "";
  ::setenv("SUBBAND_DATA", empty.path().c_str(), 1);
  CHECK_THROWS_WITH(
      labelled("mnist")->examples("test"),
      "data.mnist: file = mnist/t10k-images-idx3-ubyte: not found in " + program_root().string() +
          " or SUBBAND_DATA = " + empty.path().string() +
          "; download the four IDX files of MNIST (plain, .gz or .xz) to mnist/ in the folder that "
          "--data or SUBBAND_DATA names");
  before ? ::setenv("SUBBAND_DATA", saved.c_str(), 1) : ::unsetenv("SUBBAND_DATA");
}

TEST_CASE("a plain name finds the packed file, and its content must have the checksum", "[data_files]") {
  const TemporaryFolder folder;
  write_file(folder / "plain.txt", "abc");
  const DataFiles files("data.x", folder.path(), "");
  CHECK(files.read("plain.txt") == "abc");
  CHECK(files.find("plain.txt") == folder / "plain.txt");
  CHECK_THROWS_WITH(
      files.read("plain.txt", "00"),
      "data.x: plain.txt: sha256 of its content = "
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad: must be 00; fetch the file again");
  CHECK(files.checksum("plain.txt", sha256_hex("abc")) == sha256_hex("abc"));
  CHECK_THROWS_WITH(files.checksum("plain.txt", "00"),
                    "data.x: plain.txt: sha256 of its content = " + sha256_hex("abc") +
                        ": must be 00; fetch the file again");
  const DataFiles shipped("data.x", program_root(), "");
  const std::string input = "experiments/data/tinyshakespeare/input.txt",
                    text = shipped.read(input);  // there as .xz
  CHECK(text.size() == 1'115'394);
  CHECK(shipped.checksum(input, sha256_hex(text)) == sha256_hex_of_file(program_root() / (input + ".xz")));
  CHECK_THROWS_WITH(shipped.checksum(input, "00"), "data.x: " + input +
                                                       ": sha256 of its content = " + sha256_hex(text) +
                                                       ": must be 00; fetch the file again");
}

}  // namespace data_files_test
