#include "core/ops/sequence/token_attention.h"

#include <torch/torch.h>

#include <cmath>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"

using namespace subband;

namespace token_attention_test {

static at::Tensor random(at::IntArrayRef shape, const char* name) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(1, name));
}

// One scalar after the other.
static at::Tensor by_definition(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale) {
  at::Tensor y = at::zeros({q.size(0), q.size(1), q.size(2), v.size(3)}, at::kDouble);
  for (int64_t b = 0; b < q.size(0); ++b)
    for (int64_t g = 0; g < q.size(1); ++g)
      for (int64_t r = 0; r < q.size(2); ++r) {
        double weights = 0;
        for (int64_t t = 0; t < k.size(2); ++t) {
          double score = 0;
          for (int64_t c = 0; c < k.size(3); ++c)
            score += q[b][g][r][c].item<double>() * k[b][g][t][c].item<double>();
          const double weight = std::exp(scale * score);
          weights += weight;
          y[b][g][r] += weight * v[b][g][t];
        }
        y[b][g][r] /= weights;
      }
  return y;
}

struct AttentionCase {
  int64_t queries, keys, key_width, value_width;
};
static const AttentionCase kAttentionCases[] = {{1, 1, 1, 1}, {3, 7, 5, 3}, {1, 70, 16, 64}, {2, 65, 33, 83}};

}  // namespace token_attention_test

using namespace token_attention_test;

TEST_CASE("every path of a token's attention is the definition, also on the front of a longer buffer",
          "[token_attention]") {
  for (const AttentionCase& each : kAttentionCases) {
    CAPTURE(each.queries, each.keys, each.key_width, each.value_width);
    const at::Tensor q = random({2, 2, each.queries, each.key_width}, "q");
    const at::Tensor k = random({2, 2, each.keys + 9, each.key_width}, "k").narrow(2, 0, each.keys),
                     v = random({2, 2, each.keys + 9, each.value_width}, "v").narrow(2, 0, each.keys);
    const at::Tensor wanted = by_definition(q, k, v, 0.3);
    CHECK(at::allclose(token_attention(q, k, v, 0.3), wanted, 0, 1e-12));
    const auto narrow = [&](const at::Tensor& x) {
      at::Tensor buffer = at::full({x.size(0), x.size(1), x.size(2) + 4, x.size(3)}, std::nan(""));
      buffer.narrow(2, 0, x.size(2)).copy_(x);
      return buffer.narrow(2, 0, x.size(2));
    };
    const at::Tensor loops = token_attention(q.to(at::kFloat), narrow(k), narrow(v), 0.3, "loops");
    CHECK(at::allclose(loops.to(at::kDouble), wanted, 0, 1e-5));
    CHECK(at::equal(loops, token_attention(q.to(at::kFloat), narrow(k), narrow(v), 0.3)));
  }
}

TEST_CASE("the loops of a token's attention keep what is not a number", "[token_attention]") {
  const std::vector<at::Tensor> all = {random({1, 2, 3, 4}, "q").to(at::kFloat), random({1, 2, 5, 4}, "k").to(at::kFloat),
                                       random({1, 2, 5, 3}, "v").to(at::kFloat)};
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<at::Tensor> in = all;
    in[i] = all[i].clone();
    in[i].view(-1)[5] = std::nan("");
    const at::Tensor y = token_attention(in[0], in[1], in[2], 0.3, "loops");
    CHECK(y.isnan().any().item<bool>());
    CHECK(y.isnan().equal(token_attention(in[0], in[1], in[2], 0.3, "reference").isnan()));
  }
}

TEST_CASE("why no loops attend is recorded as it was", "[token_attention]") {
  const at::Tensor q = random({1, 2, 1, 4}, "q").to(at::kFloat), k = random({1, 2, 5, 4}, "k").to(at::kFloat),
                   v = random({1, 2, 5, 3}, "v").to(at::kFloat);
  const auto why = [](const at::Tensor& a, const at::Tensor& b, const at::Tensor& c) {
    const OpPaths paths;
    token_attention(a, b, c, 1);
    return op_use_text(paths.uses().at(0));
  };
  const at::Tensor gaps = k.transpose(2, 3).contiguous().transpose(2, 3), half = q.to(at::kBFloat16);
  CHECK(why(q, gaps, v) == "token_attention reference (keys or values whose rows are not one behind the other)");
  CHECK(why(q.clone().requires_grad_(), k, v) == "token_attention reference (a gradient is recorded)");
  CHECK(why(half, k.to(at::kBFloat16), v.to(at::kBFloat16)) ==
        "token_attention reference (BFloat16: the loops take fp32)");
  CHECK(why(q, k, v) == "token_attention loops");
  CHECK_THROWS_WITH(token_attention(q, k.to(at::kMeta), v, 1, "loops"), Catch::StartsWith("token_attention: path = loops: must be"));
}

TEST_CASE("the loops of a token's attention refuse what they cannot take", "[token_attention]") {
  const at::Tensor q = random({1, 2, 1, 4}, "q"), k = random({1, 2, 5, 4}, "k"), v = random({1, 2, 5, 3}, "v");
  const char* rule =
      "token_attention: path = loops: must be auto, reference, loops (CPU, fp32) or cuda (CUDA, fp32, fp16 or bf16, values "
      "of at most 256), whole rows, no gradient";
  CHECK_THROWS_WITH(token_attention(q, k, v, 1, "loops"), rule);
  const at::Tensor gaps = k.to(at::kFloat).transpose(2, 3).contiguous().transpose(2, 3);
  CHECK_THROWS_WITH(token_attention(q.to(at::kFloat), gaps, v.to(at::kFloat), 1, "loops"), rule);
  const at::Tensor recorded = q.to(at::kFloat).requires_grad_();
  CHECK_THROWS_WITH(token_attention(recorded, k.to(at::kFloat), v.to(at::kFloat), 1, "loops"), rule);
  CHECK(token_attention(recorded, k.to(at::kFloat), v.to(at::kFloat), 1).requires_grad());
  CHECK_THROWS_WITH(token_attention(q, k, v.narrow(2, 0, 4), 1),
                    "token_attention: v: expected [1, 2, 5, *], got [1, 2, 4, 3]");
}
