#include "core/ops/op_paths.h"

#include <atomic>
#include <mutex>
#include <tuple>

namespace subband {

struct OpPaths::State {
  ForcedPaths forced;
  mutable std::mutex mutex;  // backward runs on threads of its own where there is a device
  std::map<std::tuple<std::string, std::string, std::string>, int64_t> calls;
};

// A run is a process, and operations are asked from deep inside nets that know of no run.
static std::atomic<OpPaths::State*> present = nullptr;

const std::vector<OpInfo>& known_ops() {
  static const std::vector<OpInfo> ops = {
      {"biased_fwht", {"reference", "loops"}, "the Walsh-Hadamard transform of coefficients with their bias"},
      {"causal_filter", {"reference", "loops", "cuda"}, "the weighted past of a crawling dilation"},
      {"chunk_state", {"reference", "loops", "cuda"}, "a state that decays and takes up an outer product per token"},
      {"clipped_adagrad", {"reference", "loops", "cuda"}, "clipping and Adagrad's update, in one pass over memory"},
      {"clipped_adamw", {"reference", "loops", "cuda"}, "clipping and AdamW's update, in one pass over memory"},
      {"fwht", {"reference", "loops", "cuda"}, "the Walsh-Hadamard transform"},
      {"gated_haar", {"reference", "loops", "cuda"}, "Haar bands along the tokens, each times a gain"},
      {"gated_norm", {"reference", "loops"}, "the norm of every head, times its gate"},
      {"gated_product", {"reference", "loops"}, "the scale mixer's gate, products and low-rank path"},
      {"gated_scan", {"reference", "loops", "cuda"}, "sums over the past whose decay the input decides"},
      {"gelu_network", {"reference", "loops"}, "two linear maps with GELU between them"},
      {"gradient_norm", {"reference", "loops"}, "the norm of all gradients, which clipping reads"},
      {"lifting_analysis", {"reference", "loops"}, "all levels of a learned lifting, on the way up"},
      {"lifting_synthesis", {"reference", "loops"}, "all levels of a learned lifting, on the way down"},
      {"linear", {"reference", "loops"}, "linear maps, in training"},
      {"linear_cross_entropy", {"reference", "loops", "cuda"}, "the head and the loss behind it, chunk by chunk of logits"},
      {"product_key_lookup", {"reference", "loops", "cuda"}, "a value table read through product keys"},
      {"random_features", {"reference", "loops", "cuda"}, "positive features of queries and keys"},
      {"residual_norm", {"reference", "loops", "cuda"}, "a residual sum with its gains, and the norm behind it"},
      {"residual_sum", {"reference", "loops", "cuda"}, "a residual sum with its gains"},
      {"rotation", {"reference", "loops"}, "rotary positions"},
      {"running_mean", {"reference", "loops", "cuda"}, "the mean of all positions so far"},
      {"scaled_fwht", {"reference", "loops"}, "the Walsh-Hadamard transform with a factor per scale behind it"},
      {"packed_product", {"reference", "dense", "loops", "cuda"}, "products with weights of few bits"},
      {"token_attention", {"reference", "loops", "cuda"}, "attention of one token on all keys, in decoding"},
      {"unpacked", {"reference", "loops"}, "weights of few bits, and rows of embeddings, as numbers"},
      {"weighted_mean", {"reference", "loops"}, "sums of weighted values over the sums of their weights"},
  };
  return ops;
}

std::string op_use_text(const OpUse& use) {
  return use.op + " " + use.path + (use.detail.empty() ? "" : " (" + use.detail + ")");
}

OpPaths::OpPaths(ForcedPaths forced) : state_(std::make_unique<State>()) {
  state_->forced = std::move(forced);
  before_ = present.exchange(state_.get());
}

OpPaths::~OpPaths() { present = before_; }

std::vector<OpUse> OpPaths::uses() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<OpUse> uses;
  for (const auto& [key, calls] : state_->calls)
    uses.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), calls});
  return uses;
}

std::string op_path(std::string_view op, std::string_view asked) {
  const OpPaths::State* state = present;
  if (asked != "auto" || state == nullptr) return std::string(asked);
  const auto found = state->forced.find(std::string(op));
  return found == state->forced.end() ? "auto" : found->second;
}

void count_op(std::string_view op, std::string_view path, std::string_view detail) {
  OpPaths::State* state = present;
  if (state == nullptr) return;
  const std::lock_guard lock(state->mutex);
  ++state->calls[{std::string(op), std::string(path), std::string(detail)}];
}

}  // namespace subband
