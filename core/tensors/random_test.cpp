#include "core/tensors/random.h"

#include <torch/torch.h>

#include "core/hash.h"
#include "core/testing/catch.h"

using namespace subband;

static at::Tensor draw(at::Generator generator) { return at::empty({64}).normal_(0, 1, generator); }

TEST_CASE("a stream is a pure function of seed, name and index", "[random]") {
  CHECK(at::equal(draw(stream(1337, "batches", 5)), draw(stream(1337, "batches", 5))));
  CHECK_FALSE(at::equal(draw(stream(1337, "batches", 5)), draw(stream(1337, "batches", 6))));
  CHECK_FALSE(at::equal(draw(stream(1337, "batches", 5)), draw(stream(1337, "dropout", 5))));
  CHECK_FALSE(at::equal(draw(stream(1337, "batches", 5)), draw(stream(1338, "batches", 5))));
}

TEST_CASE("a stream's seed is the first eight bytes of a SHA-256, little-endian", "[random]") {
  const std::string hex = sha256_hex("1337/batches/5");
  std::string reversed;
  for (size_t byte = 8; byte-- > 0;) reversed += hex.substr(2 * byte, 2);
  CHECK(stream_seed(1337, "batches", 5) == std::stoull(reversed, nullptr, 16));
}

TEST_CASE("a plain generator draws what PyTorch draws after manual_seed", "[random]") {
  torch::manual_seed(42);
  const at::Tensor theirs = torch::randn({64});
  CHECK(at::equal(draw(plain_generator(42)), theirs));
  CHECK_FALSE(at::equal(draw(plain_generator(43)), theirs));
}

TEST_CASE("drawing from a stream leaves PyTorch's own generator alone", "[random]") {
  torch::manual_seed(42);
  draw(stream(1, "anything"));
  CHECK(at::equal(torch::randn({64}), draw(plain_generator(42))));
}
