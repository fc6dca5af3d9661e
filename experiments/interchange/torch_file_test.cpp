#include "experiments/interchange/torch_file.h"

#include <torch/torch.h>

#include <functional>

#include "core/error.h"
#include "core/files.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/testing/pack.h"

namespace torch_file_test {
using namespace subband;

std::filesystem::path testdata(const std::string& name) {
  return program_root() / "experiments/testdata" / name;
}

// A zip archive with these entries, stored as they are.
void write_zip(const std::filesystem::path& file,
               const std::vector<std::pair<std::string, std::string>>& entries) {
  testing::pack(file, entries, "zip:compression=store");
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("a dictionary that torch.save wrote is read with its types, strides and shared storages",
          "[torch_file]") {
  const Tensors read = read_torch_file(testdata("dictionary.pt")).tensors;
  CHECK(read.size() == 12);
  const auto counting = [](int64_t from, int64_t to) { return at::arange(from, to, at::kFloat); };
  CHECK(read.at("plain").equal(counting(0, 6).view({2, 3})));
  CHECK(read.at("transposed").equal(counting(0, 12).view({3, 4}).t()));
  CHECK(read.at("shared.a").equal(counting(0, 24)));
  CHECK(read.at("shared.b").equal(counting(4, 10)));
  CHECK(read.at("shared.a").is_alias_of(read.at("plain")));
  CHECK(read.at("half").equal(at::tensor({1.5, -2.0}).to(at::kHalf)));
  CHECK(read.at("bfloat16").equal(at::tensor({3.0, 0.5}).to(at::kBFloat16).view({1, 2})));
  CHECK(read.at("double").item<double>() == 1e-300);
  CHECK(read.at("whole").equal(at::tensor({int64_t{1} << 40, int64_t{-1}})));
  CHECK(read.at("flag").equal(at::tensor({1.0, 0.0}).to(at::kBool)));
  CHECK(read.at("parameter").equal(at::full({1}, 7.0f)));
  CHECK(read.at("scalar").dim() == 0);
  CHECK(read.at("scalar").item<float>() == 4);
  CHECK(read.at("empty").sizes() == at::IntArrayRef({0, 3}));
}

TEST_CASE("dictionaries, text and bytes beside the tensors have their names too", "[torch_file]") {
  const TorchFile file = read_torch_file(testdata("wrapped.pt"));
  CHECK(file.tensors.size() == 1);
  CHECK(file.tensors.at("model_state/w").equal(at::tensor({1.0f, 2.0f})));
  CHECK(file.texts.at("tokenizer_name") == "sentencepiece");
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  CHECK(file.texts.at("sentencepiece_model") == bytes);
}

TEST_CASE("a module's state dictionary is read, its own metadata passed over", "[torch_file]") {
  const Tensors read = read_torch_file(testdata("module.pt")).tensors;
  CHECK(read.size() == 5);
  CHECK(read.at("l.weight").is_alias_of(read.at("m.weight")));
}

TEST_CASE("a pickle that would run a command is refused by name", "[torch_file]") {
  const TestFolder folder;
  const std::string proof = (folder / "proof").string(), command = "touch " + proof;
  std::string pickle = "\x80\x02}q\x01X\x01";
  pickle += std::string(3, '\0') + "acposix\nsystem\nX" + static_cast<char>(command.size()) +
            std::string(3, '\0') + command + "\x85Rs.";
  write_zip(folder / "bad.pt", {{"x/data.pkl", pickle}});
  CHECK(
      refusal([&] { read_torch_file(folder / "bad.pt"); }) ==
      (folder / "bad.pt").string() +
          ": pickle: byte 11: names posix.system: no part of a state dictionary; nothing of it was executed");
  CHECK_FALSE(std::filesystem::exists(proof));
}

TEST_CASE("files that are cut at any byte are refused", "[torch_file]") {
  const TestFolder folder;
  const std::string whole = read_file(testdata("wrapped.pt"));
  for (size_t size = 0; size < whole.size(); size += 37) {
    write_file(folder / "cut.pt", whole.substr(0, size));
    INFO(size);
    CHECK(refusal([&] { read_torch_file(folder / "cut.pt"); }) != "accepted");
  }
}

TEST_CASE("a file with one flipped bit is read or refused, never worse", "[torch_file]") {
  const TestFolder folder;
  const std::string whole = read_file(testdata("wrapped.pt"));
  for (size_t at = 0; at < whole.size(); at += 5) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    write_file(folder / "flipped.pt", damaged);
    refusal([&] { read_torch_file(folder / "flipped.pt"); });
  }
  SUCCEED();
}

TEST_CASE("a flipped bit in a tensor's values is found by its checksum", "[torch_file]") {
  const TestFolder folder;
  const std::string whole = read_file(testdata("wrapped.pt"));
  const float values[] = {1, 2};
  const size_t at = whole.find(std::string_view(reinterpret_cast<const char*>(values), sizeof values));
  REQUIRE(at != std::string::npos);
  for (size_t bit = 0; bit < 8 * sizeof values; ++bit) {
    std::string damaged = whole;
    damaged[at + bit / 8] = static_cast<char>(damaged[at + bit / 8] ^ (1 << bit % 8));
    write_file(folder / "flipped.pt", damaged);
    CHECK_THAT(refusal([&] { read_torch_file(folder / "flipped.pt"); }), Catch::ContainsSubstring("bad CRC"));
  }
}

TEST_CASE("every protocol is read, members may have any name, and what no tensor needs is passed over",
          "[torch_file]") {
  for (const char* name : {"1", "2", "4", "5"}) {
    INFO("protocol " << name);
    const TorchFile file = read_torch_file(testdata("protocols/protocol" + std::string(name) + ".pt"));
    CHECK(file.tensors.size() == 3);
    CHECK(file.tensors.at("state_dict/module.w").equal(at::arange(1, 7, at::kFloat).view({2, 3})));
    CHECK(file.tensors.at("deep/er/w2").equal(at::tensor({4.0f, 5.0f})));
    CHECK(file.texts.at("name") == "caf\xc3\xa9");
    CHECK(file.unread.at("args") == "argparse Namespace");
    CHECK(file.unread.at("quantized") == "torch QInt8Storage");
    const StateDictionary state = state_dictionary(file, "F");
    CHECK(state.tensors.size() == 2);
    CHECK(state.tensors.at("module.b").equal(at::tensor({4.0f, 5.0f})));
    CHECK(state.remarks ==
          std::vector<std::string>{"quantized: torch QInt8Storage: passed over; its type is none of ours",
                                   "deep/er: 1 tensors that are not of state_dict are passed over"});
  }
}

TEST_CASE("of several state dictionaries none is taken silently", "[torch_file]") {
  const at::Tensor one = at::ones({1});
  CHECK(refusal([&] {
          state_dictionary({.tensors = {{"model/w", one}, {"ema/model/w", one}}, .texts = {}, .unread = {}}, "F");
        }) == "F: holds several state dictionaries: ema/model, model; save the one you want alone");
  CHECK(state_dictionary({.tensors = {{"w", one}}, .texts = {}, .unread = {}}, "F").tensors.count("w") == 1);
  CHECK(state_dictionary({.tensors = {{"inner/w", one}}, .texts = {}, .unread = {}}, "F").tensors.count("w") == 1);
}

TEST_CASE("what is no file of torch.save says so", "[torch_file]") {
  const TestFolder folder;
  const auto refused = [&](const std::string& name) {
    const std::string line = refusal([&] { read_torch_file(folder / name); });
    return line.starts_with((folder / name).string() + ": ")
               ? line.substr((folder / name).string().size() + 2)
               : line;
  };
  CHECK(refused("missing.pt") == "cannot be read: no such file");
  write_file(folder / "text.pt", "no archive at all");
  CHECK(refused("text.pt") ==
        "cannot be read as a zip archive: Unrecognized archive format; the file is cut or damaged, or was written "
        "without checksums; fetch or save it again");
  write_file(folder / "old.pt", std::string("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15));
  CHECK(refused("old.pt") ==
        "is a file of PyTorch before 1.6, no file of torch.save; load it in PyTorch and save it again, which makes a zip "
        "archive of it");
  write_file(folder / "pointer.pt", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
  CHECK(refused("pointer.pt") ==
        "is a Git LFS pointer, no file of torch.save; git lfs pull fetches the file itself");
  std::filesystem::create_symlink("nowhere", folder / "link.pt");
  CHECK(refused("link.pt") == "cannot be read: is a link to nowhere, where nothing lies");
  write_zip(folder / "other.pt", {{"x/readme", "hello"}});
  CHECK(refused("other.pt") == "is no file of torch.save: it has no data.pkl");
  write_zip(folder / "big.pt", {{"x/byteorder", "big"}, {"x/data.pkl", "\x80\x02}."}});
  CHECK(refused("big.pt") == "byteorder = big: must be little");
  write_zip(folder / "number.pt", {{"x/data.pkl", "\x80\x02K\x01."}});
  CHECK(refused("number.pt") == "expected a dictionary of tensors; saved was another object");
}

}  // namespace torch_file_test
