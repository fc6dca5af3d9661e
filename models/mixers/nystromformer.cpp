// Attention through landmarks: the softmax matrix rebuilt from some of its rows and columns. Not causal.
//   q, k scaled by K^(-1/4); landmarks q̃, k̃: means of M runs of consecutive tokens
//   F1 = softmax(q k̃ᵀ), A = softmax(q̃ k̃ᵀ), F3 = softmax(q̃ kᵀ),  y = F1 A⁺ (F3 v) + convolution(v)
//   A⁺ by iteration: Z <- Z/4 (13 I - AZ (15 I - AZ (7 I - AZ))),  Z_0 = Aᵀ / (largest column sum of A)
// The rows of a softmax sum to 1, so the paper's second factor of Z_0 is left out. The iterations are part of
// the model: more of them come closer to A⁺ and further from attention. The convolution is one per head.
// No more tokens than landmarks: exact attention, as the landmarks would be the tokens.
// Shapes  B batch, L length, D model width, H query heads, G key and value heads, K head width, V of values,
//         M landmarks, C kernel of the convolution
// Cost    2 L D (H + G)(K + V) + 4 L M H (K + V) + 8 I M³ H flops for I iterations, L M H values of memory
// Source  Xiong et al. 2021, 2102.03902, sections 3.2 to 3.4; package: transformers
#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "models/layers/attention/attention_heads.h"
#include "models/layers/padding.h"
#include "models/mixer.h"

namespace subband::mixers::nystromformer {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

struct Config {
  AttentionFields attention;
  int64_t landmarks = 64;
  int64_t iterations = 6;
  int64_t conv_kernel = 33;
  bool out_projection = true;
  std::string start = "matrix";
  std::string padding = "apart";

  void bind(Binder& b, const MixerContext& c) {
    attention.bind(b, c);
    b.field("landmarks", landmarks, {1, 1 << 20}, "M, means of runs of tokens");
    b.field("iterations", iterations, {0, 1000}, "of the pseudo-inverse");
    b.field("conv_kernel", conv_kernel, {0, 65535},
            "taps of the convolution over positions that is added, one filter per head; odd; 0: none");
    b.field("out_projection", out_projection, "a linear map behind the heads; transformers' module has none");
    b.choice(
        "start", start, {"matrix", "batch"},
        "what scales Z_0: the largest column sum of its own matrix, or of the whole batch (transformers' "
        "`original`: a sequence's answer then depends on the others of its batch)");
    b.choice(
        "padding", padding, {"apart", "included"},
        "apart: every sequence as if it stood alone; included: padded tokens enter the landmarks and the "
        "convolution, and are masked in F3 alone (transformers)");
    b.check(conv_kernel == 0 || conv_kernel % 2 == 1, "conv_kernel", "must be odd, or 0");
    b.check(out_projection || attention.heads * attention.width_of_value(c) == c.width, "out_projection",
            "must be true unless heads x value_width = width = " + std::to_string(c.width));
    b.check(!c.causal, "type",
            "has no causal form: a landmark is a mean over tokens to come; needs a net that is not "
            "causal");
  }
};

class Nystromformer final : public Mixer {
 public:
  Nystromformer(const Config& config, const MixerContext& context)
      : config_(config), heads_(*this, config.attention, context, {.out = config.out_projection}) {
    if (config.conv_kernel == 0) return;
    const double bound = 1 / std::sqrt(static_cast<double>(config.conv_kernel));
    conv_ = add_parameter(
        "conv",
        context.initializer->uniform({config.attention.heads, 1, config.conv_kernel, 1}, -bound, bound),
        {.role = Role::filter});
  }

  at::Tensor forward(const at::Tensor& x_BLD, const Pass& pass) override {
    refuse_state("nystromformer", pass);
    const at::Tensor& keep_BL = pass.keep_BL;
    const Heads heads = heads_.split("nystromformer", x_BLD, pass);
    const double quarter = std::pow(static_cast<double>(heads_.head_width()), -0.25);
    const bool apart = keep_BL.defined() && config_.padding == "apart";
    const auto turned = [&](const at::Tensor& x) {
      const at::Tensor quiet = apart ? masked(x, keep_BL) : x;
      return (x.element_size() < 4 ? quiet.to(at::kFloat) : quiet).transpose(1, 2);
    };
    const Turned all{turned(heads.q_BLHK).mul(quarter),
                     turned(heads_.for_each_head(heads.k_BLGK)).mul(quarter),
                     turned(heads_.for_each_head(heads.v_BLGV)),
                     keep_BL,
                     {}};
    at::Tensor y = apart                                ? each_apart(all)
                   : x_BLD.size(1) <= config_.landmarks ? exact(all)
                                                        : by_landmarks(all);
    if (conv_.defined()) y = y + convolved(all.v_BHLV);
    return heads_.merge(y.transpose(1, 2).to(x_BLD.scalar_type()));
  }
  int64_t state_bytes(int64_t, int64_t) const override { return 0; }
  double flops(int64_t length) const override {
    const double L = static_cast<double>(length), M = static_cast<double>(config_.landmarks);
    const double H = static_cast<double>(heads_.heads()), K = static_cast<double>(heads_.head_width());
    const double V = static_cast<double>(heads_.value_width()), I = static_cast<double>(config_.iterations);
    const double conv = 2 * L * H * V * static_cast<double>(config_.conv_kernel);
    if (length <= config_.landmarks) return heads_.maps_flops(length) + conv + 2 * L * L * H * (K + V);
    const double means = length % config_.landmarks == 0 ? 0 : 4 * L * M * H * K;
    return heads_.maps_flops(length) + conv + means + 4 * L * M * H * (K + V) + 2 * M * M * H * (K + V) +
           8 * I * M * M * M * H;
  }

 private:
  // Heads first, in fp32 at least. `lengths` [B]: so many first tokens make landmarks; undefined: all.
  struct Turned {
    at::Tensor q_BHLK, k_BHLK, v_BHLV, keep_BL, lengths;
  };

  static at::Tensor masked_scores(const at::Tensor& scores_BHXL, const at::Tensor& keep_BL) {
    if (!keep_BL.defined()) return scores_BHXL;
    return scores_BHXL.masked_fill(keep_BL.logical_not().unsqueeze(1).unsqueeze(1), kMinusInfinity);
  }
  static at::Tensor exact(const Turned& in) {
    const at::Tensor scores = masked_scores(at::matmul(in.q_BHLK, in.k_BHLK.transpose(-1, -2)), in.keep_BL);
    return at::matmul(in.keep_BL.defined() ? at::_safe_softmax(scores, -1) : at::softmax(scores, -1),
                      in.v_BHLV);
  }

  at::Tensor by_landmarks(const Turned& in) const {
    const at::Tensor q = means(in.q_BHLK, in.lengths), k = means(in.k_BHLK, in.lengths);
    const at::Tensor first = at::softmax(at::matmul(in.q_BHLK, k.transpose(-1, -2)), -1);
    const at::Tensor middle = at::softmax(at::matmul(q, k.transpose(-1, -2)), -1);
    const at::Tensor scores = masked_scores(at::matmul(q, in.k_BHLK.transpose(-1, -2)), in.keep_BL);
    const at::Tensor last = in.keep_BL.defined() ? at::_safe_softmax(scores, -1) : at::softmax(scores, -1);
    return at::matmul(first, at::matmul(pseudo_inverse(middle), at::matmul(last, in.v_BHLV)));
  }

  // Short sequences are served exactly, the others by landmarks of their own tokens.
  at::Tensor each_apart(const Turned& in) const {
    const at::Tensor lengths = real_lengths("nystromformer", in.keep_BL);
    const at::Tensor few = lengths <= config_.landmarks;
    const auto rows_of = [&](const at::Tensor& rows) {
      return Turned{in.q_BHLK.index_select(0, rows), in.k_BHLK.index_select(0, rows),
                    in.v_BHLV.index_select(0, rows), in.keep_BL.index_select(0, rows),
                    lengths.index_select(0, rows)};
    };
    const at::Tensor short_rows = few.nonzero().flatten(), long_rows = few.logical_not().nonzero().flatten();
    if (long_rows.numel() == 0) return exact(in);
    if (short_rows.numel() == 0) return by_landmarks(rows_of(long_rows));
    const at::Tensor y = at::cat({exact(rows_of(short_rows)), by_landmarks(rows_of(long_rows))}, 0);
    return y.index_select(0, at::cat({short_rows, long_rows}).argsort());
  }

  // Token i of a sequence of l tokens belongs to run floor(i M / l).
  at::Tensor means(const at::Tensor& x_BHLK, const at::Tensor& lengths) const {
    const int64_t L = x_BHLK.size(2), M = config_.landmarks;
    if (!lengths.defined() && L % M == 0) return x_BHLK.unflatten(2, {M, L / M}).mean(3);
    const auto options = at::TensorOptions(at::kLong).device(x_BHLK.device());
    const at::Tensor of = (lengths.defined() ? lengths : at::full({1}, L, options)).unsqueeze(1);
    const at::Tensor token = at::arange(L, options).unsqueeze(0);
    const at::Tensor run = (token * M).div(of, "floor").masked_fill(token >= of, -1);
    const at::Tensor member =
        run.unsqueeze(1).eq(at::arange(M, options).view({1, M, 1})).to(x_BHLK.scalar_type());
    return at::matmul((member / member.sum(-1, true)).unsqueeze(1), x_BHLK);
  }

  at::Tensor pseudo_inverse(const at::Tensor& A) const {
    const at::Tensor sums = A.sum(-2);
    const at::Tensor largest = config_.start == "matrix" ? sums.amax(-1, true).unsqueeze(-1) : sums.max();
    const at::Tensor one = at::eye(A.size(-1), A.options());
    at::Tensor Z = A.transpose(-1, -2) / largest;
    for (int64_t i = 0; i < config_.iterations; ++i) {
      const at::Tensor AZ = at::matmul(A, Z);
      Z = at::matmul(Z / 4, 13 * one - at::matmul(AZ, 15 * one - at::matmul(AZ, 7 * one - AZ)));
    }
    return Z;
  }

  at::Tensor convolved(const at::Tensor& v_BHLV) const {
    return at::conv2d(v_BHLV, conv_.to(v_BHLV.scalar_type()), {}, {1, 1}, {config_.conv_kernel / 2, 0},
                      {1, 1}, heads_.heads());
  }

  Config config_;
  AttentionHeads heads_;
  at::Tensor conv_;  ///< [H,1,C,1]
};

void add_to(MixerRegistry& r) {
  r.add<Nystromformer, Config>({.name = "nystromformer",
                                .summary = "attention rebuilt from landmarks by a pseudo-inverse; not causal",
                                .source = "Xiong et al. 2021, arXiv 2102.03902",
                                .cost = "8 L D^2 + 8 L M D + 8 I M^3 H flops, L M H memory"});
}

}  // namespace subband::mixers::nystromformer
