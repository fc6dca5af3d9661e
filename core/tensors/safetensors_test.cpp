#include "core/tensors/safetensors.h"

#include <torch/torch.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "core/error.h"
#include "core/files.h"
#include "core/tensors/digest.h"
#include "core/testing/catch.h"

using namespace subband;

namespace safetensors_test {

// A file in the temporary folder that goes away with the object.
struct TemporaryFile {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("subband_safetensors_" + std::to_string(::getpid()));
  ~TemporaryFile() { std::filesystem::remove(path); }
  void fill(std::string_view content) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(content.data(), std::ssize(content));
  }
};

static Tensors one_of_each() {
  torch::manual_seed(1);
  Tensors tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    tensors[std::string("float ") + c10::toString(type)] = at::randn({3, 5}).to(type);
  }
  for (const auto type : {at::kLong, at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    tensors[std::string("whole ") + c10::toString(type)] = at::randint(0, 2, {7}).to(type);
  }
  tensors["empty"] = at::zeros({0, 4});
  tensors["scalar"] = at::full({}, 2.5);
  tensors["turned"] = at::arange(6, at::kFloat).view({2, 3}).t();
  return tensors;
}

static std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data_bytes, '\0');
}

// The whole message for a file with this content, the file's name cut off.
static std::string refusal(const std::string& content) {
  const TemporaryFile file;
  file.fill(content);
  try {
    read_safetensors(file.path);
  } catch (const Error& error) {
    const std::string line = error.what(), place = file.path.string() + ": ";
    CHECK(line.starts_with(place));
    return line.substr(place.size());
  }
  return "accepted";
}

static std::string refusal(const std::string& header, size_t data_bytes) {
  return refusal(file_of(header, data_bytes));
}

// Reads, and touches every byte of what was accepted.
static void survive(const TemporaryFile& file, const std::string& content) {
  file.fill(content);
  try {
    digest(read_safetensors(file.path).tensors);
  } catch (const Error&) {
  }
}

}  // namespace safetensors_test

using namespace safetensors_test;

TEST_CASE("every dtype, an empty tensor, a scalar and a turned view come back bit for bit", "[safetensors]") {
  const TemporaryFile file;
  const Tensors tensors = one_of_each();
  write_safetensors(file.path, tensors, {{"step", "7"}, {"note", "na\xc3\xafve \"quoted\""}});
  const Safetensors read = read_safetensors(file.path);
  CHECK(digest(read.tensors) == digest(tensors));
  CHECK(read.metadata.at("step") == "7");
  CHECK(read.metadata.at("note") == "na\xc3\xafve \"quoted\"");
}

TEST_CASE("the same tensors give the same file", "[safetensors]") {
  const TemporaryFile file;
  write_safetensors(file.path, one_of_each());
  const std::string first = read_file(file.path);
  write_safetensors(file.path, one_of_each());
  CHECK(read_file(file.path) == first);
}

TEST_CASE("tensors outlive the call that mapped them, aligned or not", "[safetensors]") {
  const TemporaryFile file;
  const Tensors tensors = {{"a", at::ones({3}, at::kByte)}, {"b", at::arange(4, at::kDouble)}};
  write_safetensors(file.path, tensors);
  at::Tensor b;
  { b = read_safetensors(file.path).tensors.at("b"); }
  CHECK(at::equal(b, tensors.at("b")));
  CHECK(reinterpret_cast<uintptr_t>(b.const_data_ptr()) % 8 == 0);
}

TEST_CASE("a file cut at any byte is refused", "[safetensors]") {
  const TemporaryFile file;
  write_safetensors(file.path, {{"a", at::ones({2, 3})}, {"b", at::zeros({1}, at::kBool)}}, {{"k", "v"}});
  const std::string whole = read_file(file.path);
  for (size_t kept = 0; kept < whole.size(); ++kept) CHECK(refusal(whole.substr(0, kept)) != "accepted");
  CHECK(refusal(whole) == "accepted");
  CHECK(refusal(whole + "x") == "size of the data = 26: the tensors end at 25");
}

TEST_CASE("flipped bytes are refused or read, and nothing worse", "[safetensors]") {
  const TemporaryFile file;
  write_safetensors(file.path, {{"a", at::ones({2, 3})}, {"b", at::zeros({1}, at::kBool)}}, {{"k", "v"}});
  const std::string whole = read_file(file.path);
  std::mt19937 random(5);
  for (size_t at_byte = 0; at_byte < whole.size(); ++at_byte) {
    std::string damaged = whole;
    damaged[at_byte] = static_cast<char>(damaged[at_byte] ^ static_cast<char>(1 + random() % 255));
    survive(file, damaged);
  }
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = whole;
    for (int edit = 0; edit < 3; ++edit)
      damaged[8 + random() % (damaged.size() - 8)] = "0123456789{}[]\",:-e."[random() % 20];
    survive(file, damaged);
  }
  SUCCEED("still alive");
}

TEST_CASE("damaged lengths and headers are refused by name", "[safetensors]") {
  CHECK(refusal("") == "is empty, no safetensors file");
  CHECK(refusal("1234567") == "size = 7: must be at least 8 bytes");
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n") ==
        "is a Git LFS pointer, no safetensors file; git lfs pull fetches the file itself");
  CHECK(refusal(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)) ==
        "header length = 18446744073709551615: must be at most 100000000");
  CHECK(refusal(file_of("{}", 0).substr(0, 9)) ==
        "header length = 2: must be at most the 1 bytes that follow");
  CHECK(refusal("{\"a\":", 0) == "header:1:6: is no JSON from here on");
  CHECK(refusal("[1]", 0) == "header = [1]: must be a JSON object");
  CHECK(refusal(R"({"a":1,"a":2})", 0) == "header:1:8: \"a\": is given twice");
  CHECK(refusal(R"({"__metadata__":{"a":1}})", 0) ==
        "__metadata__ = {\"a\":1}: must be a map from text to text");
  CHECK(refusal(std::string(100000, '['), 0) == "header:1:1001: nests deeper than 1000 levels");
}

TEST_CASE("entries with wrong dtype, shape or offsets are refused by name", "[safetensors]") {
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1]}})", 4) ==
        R"(a = {"dtype":"F32","shape":[1]}: must hold dtype, shape and data_offsets)");
  CHECK(refusal(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}})", 4) ==
        R"(a: dtype = "F4": must be F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL)");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4) ==
        "a: shape = [-1]: must be a list of at most 64 sizes");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4) ==
        "a: shape = [4294967296,4294967296]: too large");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0) ==
        "a: shape = [0,4294967296,4294967296]: too large");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 4) ==
        "a: data_offsets = [0,8]: must be in order and within the 4 bytes of data");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2]}})", 4) ==
        "a: data_offsets = [0,2]: must span the 4 bytes of shape [1]");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4]}})", 4) ==
        "a: data_offsets = [0.5,4]: must be two byte positions");
}

TEST_CASE("every tensor that is wrong is named in one go", "[safetensors]") {
  CHECK(refusal(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,4]},"b":7,)"
                R"("c":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                4)
            .find("b = 7: must hold dtype, shape and data_offsets") != std::string::npos);
}

TEST_CASE("gaps, overlaps and false BOOLs are refused by name", "[safetensors]") {
  CHECK(
      refusal(
          R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
          3) == "b: start = 1: overlaps another tensor");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3) ==
        "a: start = 1: leaves a gap before it");
  std::string lie = file_of(R"({"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", 3);
  lie[lie.size() - 2] = 7;
  CHECK(refusal(lie) == "a: byte 1 = 7: a BOOL must be 0 or 1");
}

TEST_CASE("what safetensors cannot hold is refused before a file appears", "[safetensors]") {
  const TemporaryFile file;
  const std::string name = file.path.string();
  CHECK_THROWS_WITH(write_safetensors(file.path, {{"z", at::zeros({2}, at::kComplexFloat)}}),
                    name + ": z: dtype = ComplexFloat: safetensors cannot hold it");
  CHECK_THROWS_WITH(write_safetensors(file.path, {{"z", at::Tensor()}}),
                    name + ": z = a tensor without dense values: cannot be written");
  CHECK_THROWS_WITH(write_safetensors(file.path, {{"__metadata__", at::zeros({2})}}),
                    name + ": name = \"__metadata__\": cannot name a tensor");
  CHECK_THROWS_WITH(write_safetensors(file.path, {}, {{"k", "\xff"}}),
                    name + ": __metadata__ = {\"k\":\"\\ufffd\"}: must be UTF-8");
  CHECK_FALSE(std::filesystem::exists(file.path));
}
