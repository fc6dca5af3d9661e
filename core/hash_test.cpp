#include "core/hash.h"

#include "core/testing/catch.h"

using namespace subband;

TEST_CASE("SHA-256 gives the answers of FIPS 180-4", "[hash]") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("bytes that arrive in pieces hash as one", "[hash]") {
  CHECK(Sha256().update("ab").update("").update("c").hex() == sha256_hex("abc"));
}
