// A recipe's `net` and back.
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "experiments/interchange/huggingface/decoder.h"

namespace subband::huggingface {

namespace {

using config::Node;

double plain_scale(const Decoder& d) {
  return d.scales_scores ? 1 / std::sqrt(static_cast<double>(d.head_width)) : 1;
}

Node rope_scaling_node(const RopeScaling& rope) {
  Node node = Node::map();
  node.set("type", Node(rope.type));
  node.set("factor", Node(rope.factor));
  if (rope.type == "linear") return node;
  node.set("length", Node(rope.length));
  if (rope.type == "llama3") {
    node.set("low_frequency", Node(rope.low_frequency));
    node.set("high_frequency", Node(rope.high_frequency));
    return node;
  }
  node.set("beta_slow", Node(rope.beta_slow));
  node.set("beta_fast", Node(rope.beta_fast));
  node.set("whole_pairs", Node(rope.whole_pairs));
  if (rope.amplitude) node.set("amplitude", Node(*rope.amplitude));
  return node;
}

Node mixer_node(const Decoder& d, int64_t layer) {
  Node mixer = Node::map();
  mixer.set("type", Node("softmax_attention"));
  mixer.set("heads", Node(d.heads));
  mixer.set("kv_heads", Node(d.kv_heads));
  mixer.set("head_width", Node(d.head_width));
  mixer.set("bias", Node(d.attention_bias));
  if (d.family == Family::gpt2) {
    const double divisor = d.scales_by_layer ? static_cast<double>(layer + 1) : 1;
    if (!d.scales_scores || d.scales_by_layer) mixer.set("scale", Node(plain_scale(d) / divisor));
    return mixer;
  }
  mixer.set("out_bias", Node(d.attention_bias && d.family == Family::llama));
  mixer.set("rope", Node("half"));
  mixer.set("rope_base", Node(d.rope_base));
  if (d.rope.type != "none") mixer.set("rope_scaling", rope_scaling_node(d.rope));
  return mixer;
}

Node channel_node(const Decoder& d) {
  Node channel = Node::map();
  channel.set("hidden", Node(d.hidden));
  channel.set("activation", Node(d.activation));
  channel.set("bias", Node(d.feed_forward_bias));
  return channel;
}

// The resolved fields of a net, and what is wrong with them.
class Fields {
 public:
  explicit Fields(const Node& root) : root_(root) {}

  const Node& at(const std::string& path) {
    static const Node kNothing;
    const Node* found = root_.at(path);
    if (found == nullptr) complain(path, "missing");
    return found ? *found : kNothing;
  }
  std::string text(const std::string& path) {
    const Node& node = at(path);
    return node.is(Node::Kind::string) ? node.string() : config::brief(node);
  }
  int64_t count(const std::string& path, int64_t standard = 0) {
    const Node& node = at(path);
    return node.is(Node::Kind::integer) ? node.integer() : standard;
  }
  double number(const std::string& path, double standard = 0) {
    const Node& node = at(path);
    return node.is(Node::Kind::number) || node.is(Node::Kind::integer) ? node.number() : standard;
  }
  bool flag(const std::string& path) {
    const Node& node = at(path);
    return node.is(Node::Kind::boolean) && node.boolean();
  }
  void must(bool ok, const std::string& path, const std::string& rule) {
    if (!ok) complain(path, rule);
  }
  void complain(const std::string& path, const std::string& rule) {
    const Node* found = root_.at(path);
    problems_.push_back(
        {"net", path + (found ? " = " + config::brief(*found) : "") + ": " + rule, "bad_value"});
  }
  void finish() const {
    if (!problems_.empty()) throw ConfigError(problems_);
  }

 private:
  const Node& root_;
  std::vector<Problem> problems_;
};

RopeScaling read_rope_scaling(Fields& in) {
  const std::string path = "mixer.rope_scaling.";
  RopeScaling rope{.type = in.text(path + "type"),
                   .factor = in.number(path + "factor"),
                   .length = in.count(path + "length"),
                   .low_frequency = in.number(path + "low_frequency"),
                   .high_frequency = in.number(path + "high_frequency"),
                   .beta_slow = in.number(path + "beta_slow"),
                   .beta_fast = in.number(path + "beta_fast"),
                   .whole_pairs = in.flag(path + "whole_pairs")};
  if (!in.at(path + "amplitude").is(Node::Kind::null)) rope.amplitude = in.number(path + "amplitude");
  return rope;
}

void read_attention(Fields& in, Decoder& d) {
  const std::string type = in.text("mixer.type");
  if (type != "softmax_attention" && type != "flash_attention")
    return in.complain("mixer.type", "must be softmax_attention or flash_attention");
  d.heads = in.count("mixer.heads", 1);
  d.kv_heads = in.count("mixer.kv_heads", d.heads);
  d.head_width = in.count("mixer.head_width", d.width / d.heads);
  d.attention_bias = in.flag("mixer.bias");
  for (const char* width : {"mixer.value_width", "mixer.rope_width"}) {
    in.must(in.count(width, d.head_width) == d.head_width, width,
            "must be null or the head width, here " + std::to_string(d.head_width));
  }
  if (d.family != Family::gpt2) {
    in.must(in.text("mixer.rope") == "half", "mixer.rope", "must be half");
    in.must(in.at("mixer.scale").is(Node::Kind::null), "mixer.scale", "must be null");
    in.must(in.at("blocks").size() == 0, "blocks", "must be empty");
    d.rope_base = in.number("mixer.rope_base");
    d.rope = read_rope_scaling(in);
    return;
  }
  in.must(in.text("mixer.rope") == "none", "mixer.rope", "must be none where positions are learned");
  in.must(d.kv_heads == d.heads, "mixer.kv_heads", "must be as many as heads for gpt2");
  in.must(d.head_width * d.heads == d.width, "mixer.head_width", "must be width / heads for gpt2");
  in.must(d.attention_bias && in.flag("mixer.out_bias"), "mixer.bias", "must be true for gpt2");
}

// GPT-2's two switches, found again in the scales of the layers.
void read_scales(Fields& in, Decoder& d) {
  const Node& blocks = in.at("blocks");
  const auto near = [](double a, double b) { return std::abs(a - b) <= 1e-12 * std::abs(b); };
  const double standard = 1 / std::sqrt(static_cast<double>(d.head_width));
  if (blocks.size() == 0) {
    const double scale = in.number("mixer.scale", standard);
    d.scales_scores = near(scale, standard);
    in.must(d.scales_scores || scale == 1, "mixer.scale", "must be null or 1 for gpt2");
    return;
  }
  bool one = true, fits = static_cast<int64_t>(blocks.size()) == d.layers;
  d.scales_by_layer = true;
  for (size_t layer = 0; fits && layer < blocks.size(); ++layer) {
    const std::string path = "blocks." + std::to_string(layer) + ".mixer.";
    const Node* scale = blocks.items()[layer].at("mixer.scale");
    Node same = blocks.items()[layer].find("mixer") ? *blocks.items()[layer].find("mixer") : Node::map();
    const double value = scale && scale->is(Node::Kind::number) ? scale->number() : standard;
    const double expected = 1 / static_cast<double>(layer + 1);
    one = one && near(value, expected);
    fits = near(value, expected) || near(value, expected * standard);
    same.set("scale", in.at("mixer.scale"));
    fits = fits && same == in.at("mixer") && blocks.items()[layer].size() == 1;
  }
  in.must(fits, "blocks", "must be empty, or attention whose scale falls as 1 / layer");
  d.scales_scores = !one;
}

void read_feed_forward(Fields& in, Decoder& d) {
  const Node& channels = in.at("channel_mixers");
  if (channels.size() != 1) return in.complain("channel_mixers", "must be one");
  d.label = channels.entries()[0].key;
  const std::string path = "channel_mixers." + d.label + ".", type = in.text(path + "type");
  const bool gpt2 = d.family == Family::gpt2;
  in.must(type == (gpt2 ? "mlp" : "swiglu"), path + "type",
          gpt2 ? "must be mlp where norms are layer norms" : "must be swiglu where norms are rms");
  if (type == "mlp") {
    in.must(in.count(path + "layers") == 2, path + "layers", "must be 2");
    in.must(in.flag(path + "bias"), path + "bias", "must be true");
    d.hidden = in.count(path + "hidden", in.count(path + "expansion") * d.width);
  } else if (type == "swiglu") {
    const double wanted = std::floor(in.number(path + "expansion") * static_cast<double>(d.width) + 1e-6);
    const auto multiple = std::max<int64_t>(1, in.count(path + "multiple"));
    const int64_t rounded =
        multiple * std::max<int64_t>(1, (static_cast<int64_t>(wanted) + multiple - 1) / multiple);
    d.hidden = in.count(path + "hidden", rounded);
  }
  if (type == "mlp" || type == "swiglu") {
    d.activation = in.text(path + "activation");
    d.feed_forward_bias = in.flag(path + "bias");
  }
}

}  // namespace

Node net_of_decoder(const Decoder& d) {
  const bool gpt2 = d.family == Family::gpt2;
  Node net = Node::map();
  net.set("type", Node("decoder_lm"));
  net.set("width", Node(d.width));
  net.set("layers", Node(d.layers));
  net.set("mixer", mixer_node(d, 0));
  if (d.scales_by_layer) {
    std::vector<Node> blocks(static_cast<size_t>(d.layers), Node::map());
    for (int64_t layer = 0; layer < d.layers; ++layer)
      blocks[static_cast<size_t>(layer)].set("mixer", mixer_node(d, layer));
    net.set("blocks", Node::list(std::move(blocks)));
  }
  net.set("channel_mixers", Node::map()).set(gpt2 ? "mlp" : "swiglu", channel_node(d));
  net.set("positions", Node(gpt2 ? "learned" : "none"));
  net.set("norm", Node(gpt2 ? "layer" : "rms"));
  net.set("norm_epsilon", Node(d.epsilon));
  net.set("initialization", Node(gpt2 ? "gpt2" : "normal"));
  net.set("deviation", Node(d.deviation));
  net.set("dropout", Node(d.dropout));
  net.set("tied", Node(d.tied));
  return net;
}

Decoder decoder_of_net(const Node& net, int64_t vocabulary, int64_t length) {
  Fields in(net);
  in.must(in.text("type") == "decoder_lm", "type", "must be decoder_lm");
  in.finish();
  Decoder d{
      .vocabulary = vocabulary, .length = length, .width = in.count("width"), .layers = in.count("layers")};
  const bool gpt2 = in.text("norm") == "layer";
  if (!gpt2) {
    const bool lone_qkv = in.flag("mixer.bias") && !in.flag("mixer.out_bias");
    d.family = lone_qkv ? Family::qwen2 : Family::llama;
    in.must(lone_qkv || in.flag("mixer.bias") == in.flag("mixer.out_bias"), "mixer.out_bias",
            "must be as bias, or false");
  }
  in.must(in.text("positions") == (gpt2 ? "learned" : "none"), "positions",
          gpt2 ? "must be learned where norms are layer norms" : "must be none where norms are rms");
  d.epsilon = in.number("norm_epsilon");
  d.deviation = in.number("deviation");
  d.dropout = in.number("dropout");
  d.tied = in.flag("tied");
  read_feed_forward(in, d);
  read_attention(in, d);
  in.finish();
  if (gpt2) read_scales(in, d);
  in.must(d.family != Family::qwen2 || !d.feed_forward_bias, "channel_mixers",
          "must have no biases for qwen2");
  in.finish();
  return d;
}

}  // namespace subband::huggingface
