// Everything that goes on from a state, as the contract tries it: causal mixers with their options, and nets.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/net.h"
#include "models/testing/going_on.h"
#include "models/testing/mixer_cases.h"

namespace subband::testing {

/// A mixer or a net, with what the contract has to know of it.
struct StateCase {
  std::string text;
  std::function<std::shared_ptr<torch::nn::Module>()> made;  ///< the same weights every time, fp32, evaluation mode
  int64_t length = 256;       ///< that it is tried at: four times that of training, where its past reaches so far
  int64_t batch = 3;          ///< one where weights learn
  bool gradients = true;      ///< they flow back across pieces
  bool learns = false;        ///< where it has a state, so that one pass without is another function
};

/// Either of the two, called alike: x [B,L,8] of a mixer, ids [B,L] of a net.
class Subject {
 public:
  explicit Subject(const StateCase& each) : module_(each.made()), learns_(each.learns) {
    mixer_ = std::dynamic_pointer_cast<Mixer>(module_);
    net_ = std::dynamic_pointer_cast<Net>(module_);
  }
  at::Tensor whole(const at::Tensor& x) {
    SequenceState state;
    if (learns_) return fed(x, state);
    return mixer_ ? mixer_->forward(x, {}) : net_->forward(x);
  }
  at::Tensor fed(const at::Tensor& x, SequenceState& state) {
    return mixer_ ? testing::fed(*mixer_, x, state) : testing::fed(*net_, x, state);
  }
  /// Of one sequence.
  int64_t state_bytes(int64_t length, int64_t bytes_per_value) const {
    return mixer_ ? mixer_->state_bytes(length, bytes_per_value)
                  : net_->costs(length, bytes_per_value).state_bytes();
  }
  torch::nn::Module& module() { return *module_; }
  void to(at::ScalarType type) { module_->to(type), type_ = type; }
  at::Tensor some(int64_t batch, int64_t length, const std::string& name = "x") const {
    if (net_) return at::empty({batch, length}, at::kLong).random_(0, 11, stream(1, name));
    return at::empty({batch, length, 8}).normal_(0, 1, stream(1, name)).to(type_);
  }

 private:
  std::shared_ptr<torch::nn::Module> module_;
  at::ScalarType type_ = at::kFloat;
  bool learns_;
  std::shared_ptr<Mixer> mixer_;
  std::shared_ptr<Net> net_;
};

inline StateCase case_of(const MixerCase& each) {
  StateCase made{.text = each.text(), .made = [each] {
                   const auto mixer = each.made(Initializer(plain_generator(1)));
                   perturb(*mixer, 0.1);
                   return mixer;
                 }};
  // Its past is its memory of 64 tokens, into which no gradient flows.
  if (each.name == "transformer_xl") made.length = 64, made.gradients = false;
  return made;
}

// Options that the mixers' own contract leaves out, since they change what is kept.
inline std::vector<MixerCase> more_mixer_cases() {
  const auto word = [](const char* text) { return config::Node(text); };
  const auto part = [&](const char* type, const std::vector<std::pair<const char*, config::Node>>& fields) {
    config::Node node = config::Node::map();
    node.set("type", word(type));
    for (const auto& [key, value] : fields) node.set(key, value);
    return node;
  };
  return {
      {"softmax_attention", true, {{"head_width", integer(6)}, {"value_width", integer(5)}, {"rope", word("half")}}},
      {"flash_attention", true, {{"backend", word("math")}, {"rope", word("half")}}},
      {"linear_attention", true, {{"rope", word("half")}, {"normalized", config::Node(false)}}},
      {"performer", true, {{"kernel", word("generalized")}, {"activation", word("softplus")}, {"kv_heads", integer(2)}}},
      {"linformer_block_causal", true, {{"block", integer(7)}, {"slots", integer(3)}, {"share_projection", config::Node(true)}}},
      {"retnet", true, {{"decay", word("none")}, {"gate", word("none")}, {"convolution", integer(3)}, {"convolution_bias", config::Node(true)}}},
      {"retnet", true, {{"form", word("parallel")}, {"feature_map", word("silu")}}},
      {"wersa", true, {{"levels", integer(5)}, {"kv_heads", integer(1)}, {"feature_map", word("favor_positive")}, {"gates", word("convolution")}}},
      {"transformer_xl", true, {{"frame", word("pre_norm")}, {"memory", integer(80)}}},
      {"wavelet", true, {{"levels", integer(7)}, {"dilation", part("crawl", {{"taps", integer(9)}})}}},
      {"wavelet", true, {{"lifting", word("packet")}, {"levels", integer(4)}, {"bypass", word("none")}}},
      {"wavelet", true, {{"lifting", word("multi_basis")}, {"dilation", word("crawl")}}},
      {"wavelet", true, {{"lifting", word("data_dependent")}, {"transform", word("dht")}}},
      {"wavelet", true, {{"lifting", word("haar")}, {"keep_largest", integer(3)}, {"norm_synthesis", config::Node(true)}}},
  };
}

/// Made for 16 tokens, tried at 64; one that has a table of positions only where that ends.
inline StateCase net_case(const std::string& type, const Settings& settings) {
  StateCase made{.text = type, .length = 64};
  for (const auto& [path, value] : settings) made.text += ", " + path + "=" + config::brief(value);
  made.made = [type, settings] {
    const Workshop workshop;
    Initializer first(plain_generator(1));
    const NetContext context{.vocabulary = 11, .length = 16, .initializer = &first};
    const auto net = workshop.slot<Net>(type, settings, context).make(context);
    perturb(*net, 0.1);
    net->eval();
    return net;
  };
  return made;
}

}  // namespace subband::testing
