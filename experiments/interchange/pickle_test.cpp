#include "experiments/interchange/pickle.h"

#include "core/error.h"
#include "core/testing/catch.h"

namespace pickle_test {
using namespace subband;

// Bytes of a pickle: text, and numbers below 256 for what is no text.
std::string bytes(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}
std::string byte(int value) { return std::string(1, static_cast<char>(value)); }
std::string word(const std::string& text) {
  return "X" + byte(static_cast<int>(text.size())) + std::string(3, '\0') + text;
}

std::string refusal(const std::string& text) {
  try {
    pickle::read(text, "F");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

const std::string kStorage = "(" + word("storage") + "ctorch\nFloatStorage\n" + word("0") + word("cpu");
const std::string kRebuild = "ctorch._utils\n_rebuild_tensor_v2\n(";
const std::string kNoHooks = byte(0x89) + "ccollections\nOrderedDict\n)R";

// A tensor of `sizes` and `strides`, each one number, at `offset` in a storage of `values`.
std::string tensor(const std::string& values, const std::string& offset, const std::string& size,
                   const std::string& stride) {
  return byte(0x80) + "\x02" + kRebuild + kStorage + values + "tQ" + offset + size + byte(0x85) + stride +
         byte(0x85) + kNoHooks + "tR.";
}
std::string small(int value) { return "K" + byte(value); }
// 2^62.
std::string large() { return byte(0x8a) + byte(8) + std::string(7, '\0') + byte(0x40); }

TEST_CASE("numbers, text, tuples, lists, dictionaries and the memo are read", "[pickle]") {
  const std::string text = bytes({byte(0x80), "\x02}(", word("a"), "]q\x07(K\x03M\x01\x02J\xff\xff\xff\xff",
                                  byte(0x8a), "\x01\x80", "e", word("b"), "(h\x07", byte(0x88), "Ntu."});
  const pickle::Document document = pickle::read(text, "F");
  const pickle::Value& root = document[document.root];
  CHECK(root.kind == pickle::Kind::dictionary);
  REQUIRE(root.parts.size() == 4);
  const pickle::Value& list = document[root.parts[1]];
  std::vector<int64_t> numbers;
  for (const size_t part : list.parts) numbers.push_back(document[part].integer);
  CHECK(numbers == std::vector<int64_t>{3, 513, -1, -128});
  const pickle::Value& tuple = document[root.parts[3]];
  CHECK(tuple.parts.size() == 3);
  CHECK(tuple.parts[0] == root.parts[1]);
  CHECK(document[tuple.parts[1]].integer == 1);
}

TEST_CASE("a tensor's record says where its values are", "[pickle]") {
  const pickle::Document document = pickle::read(tensor(small(10), small(1), small(3), small(4)), "F");
  const pickle::Value& found = document[document.root];
  CHECK(found.kind == pickle::Kind::tensor);
  CHECK(found.integer == 1);
  CHECK(found.sizes == std::vector<int64_t>{3});
  CHECK(found.strides == std::vector<int64_t>{4});
  CHECK(document[found.parts[0]].integer == 10);
}

TEST_CASE("tensors that reach beyond their storage are refused, also where the numbers overflow",
          "[pickle]") {
  const std::string beyond = "reaches beyond the 9 values of storage 0";
  CHECK_THAT(refusal(tensor(small(9), small(2), small(3), small(4))), Catch::ContainsSubstring(beyond));
  CHECK_THAT(refusal(tensor(small(9), large(), small(3), small(4))), Catch::ContainsSubstring(beyond));
  CHECK_THAT(refusal(tensor(small(9), small(1), large(), large())), Catch::ContainsSubstring(beyond));
  CHECK(refusal(tensor(small(9), small(0), small(0), large())) == "accepted");
  const std::string minus = "J" + std::string(4, '\xff');
  CHECK_THAT(refusal(tensor(small(9), small(0), minus, small(1))),
             Catch::ContainsSubstring("sizes of zero and more"));
}

TEST_CASE("names, calls and opcodes outside the grammar are refused by name", "[pickle]") {
  const std::string start = byte(0x80) + "\x02";
  CHECK(refusal(start + "cos\nsystem\n.") ==
        "F: pickle: byte 2: names os.system: no part of a state dictionary; nothing of it was executed");
  CHECK(refusal(start + "cbuiltins\neval\n" + word("1") + byte(0x85) + "R.") ==
        "F: pickle: byte 2: names builtins.eval: no part of a state dictionary; nothing of it was executed");
  CHECK(refusal(start + "ctorch\nFloatStorage\n)R.") ==
        "F: pickle: byte 23: a call of what is no constructor of a state dictionary; nothing of it was "
        "executed");
  CHECK(refusal(start + "ios\nsystem\n.") ==
        "F: pickle: byte 2: names os.system: no part of a state dictionary; nothing of it was executed");
  CHECK(refusal(start + word("os") + word("system") + byte(0x93) + ".") ==
        "F: pickle: byte 20: names os.system: no part of a state dictionary; nothing of it was executed");
  CHECK(refusal(byte(0x80) + "\x06.") == "F: pickle: byte 0: protocol 6: must be at most 5");
  CHECK(refusal(start + byte(0x97) + ".") ==
        "F: pickle: byte 2: opcode 0x97: no part of a state dictionary; nothing of it was executed");
}

TEST_CASE("an object of another class is a mark where it stands, and what is put in it is nowhere", "[pickle]") {
  // {"a": Namespace() with attributes, "b": 7, "c": a tensor in storage of another type}
  const std::string text = byte(0x80) + "\x04" + byte(0x95) + std::string(8, '\0') + "}(" + word("a") +
                           "cargparse\nNamespace\n)" + byte(0x81) + "}" + word("lr") + "K\x01sb" + word("b") + "K\x07" +
                           word("c") + "ctorch._utils\n_rebuild_tensor_v2\n((" + word("storage") +
                           "ctorch\nQInt8Storage\n" + word("0") + word("cpu") + small(1) + "tQ" + small(0) + "))" + byte(0x89) + "}tRu.";
  const pickle::Document document = pickle::read(text, "F");
  const pickle::Value& root = document[document.root];
  REQUIRE(root.parts.size() == 6);
  CHECK(document[root.parts[1]].kind == pickle::Kind::other);
  CHECK(document[root.parts[1]].text == "argparse Namespace");
  CHECK(document[root.parts[3]].integer == 7);
  CHECK(document[root.parts[5]].kind == pickle::Kind::other);
  CHECK(document[root.parts[5]].text == "torch QInt8Storage");
}

TEST_CASE("damaged pickles are refused with the byte", "[pickle]") {
  CHECK(refusal("") == "F: pickle: byte 0: the file ends in the middle");
  CHECK(refusal("X\xff\xff\xff\xff") == "F: pickle: byte 0: the file ends in the middle");
  CHECK(refusal(".") == "F: pickle: byte 0: takes a value where there is none");
  CHECK(refusal("K\x01"
                "e.") == "F: pickle: byte 2: takes values where no mark is set");
  CHECK(refusal("(t(a.") == "F: pickle: byte 3: takes a value where there is none");
  CHECK(refusal("}K\x01"
                "a.") == "F: pickle: byte 3: expected a list");
  CHECK(refusal("}(K\x01u.") == "F: pickle: byte 4: a key without a value");
  CHECK(refusal("h\x01.") == "F: pickle: byte 0: recalls value 1, which was never kept");
  CHECK(refusal("ca\n" + std::string(2000, 'b')) == "F: pickle: byte 0: a name without an end");
}

TEST_CASE("deep nesting, cycles and floods do no harm", "[pickle]") {
  const size_t depth = 500'000;
  CHECK(refusal(std::string(depth, ']') + std::string(depth - 1, 'a') + ".") == "accepted");
  CHECK(refusal("]q\x01h\x01"
                "a.") == "accepted");
  CHECK(refusal(std::string(3'000'000, 'N') + ".") == "F: pickle: byte 2000000: more than 2,000,000 values");
}

}  // namespace pickle_test
