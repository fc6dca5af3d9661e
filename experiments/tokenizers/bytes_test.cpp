#include "core/error.h"
#include "core/testing/catch.h"
#include "experiments/testing/corpora.h"

using namespace subband;

TEST_CASE("every byte is its own token and comes back", "[bytes]") {
  const auto bytes = testing::made<Tokenizer>("bytes");
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  std::vector<int32_t> ids = {7};
  bytes->encode(text, ids);
  REQUIRE(ids.size() == 257);
  CHECK(ids[0] == 7);
  for (int i = 0; i < 256; ++i) CHECK(ids[static_cast<size_t>(i) + 1] == i);
  CHECK(bytes->decode(std::span(ids).subspan(1)) == text);
  CHECK(bytes->vocabulary() == 256);
}

TEST_CASE("ids outside the bytes are refused", "[bytes]") {
  const auto bytes = testing::made<Tokenizer>("bytes");
  CHECK_THROWS_WITH(bytes->decode(std::vector<int32_t>{65, 256}),
                    "bytes: id = 256: must be below the vocabulary = 256");
  CHECK_THROWS_WITH(bytes->decode(std::vector<int32_t>{-1}),
                    "bytes: id = -1: must be below the vocabulary = 256");
}
