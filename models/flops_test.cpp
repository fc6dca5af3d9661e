// Every formula for flops against the operators that LibTorch really runs.
//   products + transforms <= formula <= products + transforms + pointwise
// Wavelet filters and scans are pointwise operators, so a part that has them lies between; parts without them must meet
// the lower end exactly.
#include <torch/torch.h>

#include <functional>
#include <set>

#include "core/error.h"
#include "core/ops/op_paths.h"
#include "core/testing/catch.h"
#include "core/testing/operator_counter.h"
#include "models/bypass.h"
#include "models/channel_mixer.h"
#include "models/lifting.h"
#include "models/mixer.h"
#include "models/net.h"
#include "models/scale_mixer.h"
#include "models/testing/mixer_cases.h"
#include "models/testing/parts.h"
#include "models/transform.h"

using namespace subband;
using config::Node;

namespace flops_test {

// Of these every operator is counted; a part that is not named may have filters or scans of pointwise operators.
static const std::set<std::string> kExact = {"flash_attention",
                                             "fnet",
                                             "linear_attention",
                                             "linformer",
                                             "linformer_block_causal",
                                             "nystromformer",
                                             "performer",
                                             "retnet",
                                             "softmax_attention",
                                             "transformer_xl",
                                             "data_dependent",
                                             "learned",
                                             "linear",
                                             "packet",
                                             "dht",
                                             "fwht",
                                             "identity",
                                             "gated",
                                             "none",
                                             "fast_weight_memory",
                                             "mlp",
                                             "product_key_memory",
                                             "swiglu",
                                             "classifier",
                                             "decoder_lm"};

// What one operation computes in loops of its own, its reference computes in operators that can be counted.
static ForcedPaths counted_paths() {
  ForcedPaths forced;
  for (const OpInfo& op : known_ops())
    if (op.name != "fwht" && op.name != "causal_filter") forced[op.name] = "reference";
  return forced;
}

static void compare(const std::string& name, double formula, const std::function<void()>& run) {
  const torch::NoGradGuard no_gradient;
  const OpPaths paths(counted_paths());
  OperatorCounter counter;
  run();
  const double least = counter.products() + counter.transforms();
  if (kExact.contains(name)) {
    CHECK(formula == Approx(least).epsilon(1e-12));
  } else {
    CHECK(formula >= least * (1 - 1e-12));
    CHECK(formula <= (least + counter.pointwise()) * (1 + 1e-12));
  }
}

static Registry all_parts() {
  Registry registry;
  register_models_parts(registry);
  return registry;
}

static BlockContext block(Initializer& first) {
  return {.width = 12, .padded_width = 16, .levels = 3, .initializer = &first};
}

template <class Interface>
static std::vector<std::string> names_of() {
  return all_parts().of<Interface>().names();
}

TEST_CASE("every mixer's flops are those of the operators that it runs", "[flops][mixers]") {
  for (const std::string& name : testing::mixer_names()) {
    for (const bool causal : {true, false}) {
      Initializer first(plain_generator(1));
      std::shared_ptr<Mixer> mixer;
      try {
        mixer = testing::make_part<Mixer>(
            name, {.width = 16, .length = 150, .causal = causal, .initializer = &first});
      } catch (const ConfigError&) {
        continue;
      }
      mixer->eval();
      for (const int64_t length : {1, 17, 64, 150}) {
        CAPTURE(name, causal, length);
        const at::Tensor x = testing::random({1, length, 16});
        compare(name, mixer->flops(length), [&] { mixer->forward(x, {}); });
      }
    }
  }
}

TEST_CASE("every lifting's flops are those of its way down and back", "[flops]") {
  for (const std::string& name : names_of<Lifting>()) {
    Initializer first(plain_generator(1));
    LiftingContext context;
    static_cast<BlockContext&>(context) = block(first);
    Node spec = Node::map(), resolved;
    spec.set("dilation", Node("dyadic"));
    Registry registry = all_parts();
    BindSession session{.registry = &registry};
    Binder binder(session, spec, resolved);
    Slot<Dilation> dilation;
    dilation.bind(binder, "dilation", context, "");
    context.dilation = &dilation;
    const auto lifting = testing::make_part<Lifting>(name, context);
    lifting->eval();
    CAPTURE(name);
    compare(name, lifting->flops(21), [&] {
      lifting->reconstruct(lifting->decompose(testing::random({1, 21, 16})));
    });
  }
}

TEST_CASE("every transform's flops are those of one direction", "[flops]") {
  for (const std::string& name : names_of<Transform>()) {
    Initializer first(plain_generator(1));
    const auto transform = testing::make_part<Transform>(name, block(first));
    CAPTURE(name);
    const at::Tensor z = testing::random({4, 1, 9, 16});
    compare(name, transform->flops(4 * 9), [&] { transform->forward(z); });
    compare(name, transform->flops(4 * 9), [&] { transform->inverse(z); });
  }
}

TEST_CASE("the flops of every scale mixer, bypass and channel mixer are those of the operators that it runs",
          "[flops]") {
  Initializer first(plain_generator(1));
  const at::Tensor x = testing::random({1, 21, 12}), z = testing::random({4, 1, 21, 16});
  for (const std::string& name : names_of<ScaleMixer>()) {
    const auto mixer = testing::make_part<ScaleMixer>(name, block(first));
    CAPTURE(name);
    compare(name, mixer->flops(21), [&] { mixer->forward(z); });
  }
  for (const std::string& name : names_of<Bypass>()) {
    const auto bypass = testing::make_part<Bypass>(name, block(first));
    for (const bool after_another : {false, true}) {
      CAPTURE(name, after_another);
      compare(name, bypass->flops(21, after_another),
              [&] { bypass->apply(z, bypass->summary(x), after_another ? x : at::Tensor()); });
    }
  }
  for (const std::string& name : names_of<ChannelMixer>()) {
    const auto mixer = testing::make_part<ChannelMixer>(name, block(first));
    mixer->eval();
    CAPTURE(name);
    compare(name, mixer->flops(21), [&] { mixer->forward(x); });
  }
}

TEST_CASE("flops follow what a gated scale mixer and a memory are told to be", "[flops]") {
  Initializer first(plain_generator(1));
  const at::Tensor z = testing::random({4, 1, 21, 16}), x = testing::random({1, 21, 12});
  Node widths = Node::list();
  for (const double each : {1.0, 0.5, 0.5, 0.25}) widths.items().emplace_back(each);
  for (const bool routing : {false, true}) {
    const auto mixer = testing::make_part<ScaleMixer>(
        "gated", block(first),
        {{"widths", widths}, {"low_rank", Node(int64_t{3})}, {"routing", Node(routing)}});
    compare("gated", mixer->flops(21), [&] { mixer->forward(z); });
  }
  for (const int64_t keys : {16, 4096}) {
    const auto memory = testing::make_part<ChannelMixer>("product_key_memory", block(first),
                                                         {{"keys", Node(keys)}, {"heads", Node(int64_t{2})}});
    compare("product_key_memory", memory->flops(21), [&] { memory->forward(x); });
  }
}

TEST_CASE("a net's flops are those of the operators that it runs, and its parts hold all but norms and gains",
          "[flops]") {
  for (const std::string& name : names_of<Net>()) {
    Initializer first(plain_generator(1));
    NetContext context{.vocabulary = 19, .length = 24, .initializer = &first};
    if (name == "classifier") context.classes = 5, context.may_look_ahead = true;
    const auto net = testing::make_part<Net>(name, context);
    net->eval();
    CAPTURE(name);
    const at::Tensor ids = at::arange(24).remainder(19).unsqueeze(0);
    compare(name, net->flops(24), [&] { net->forward(ids); });
    int64_t all = 0;
    for (const at::Tensor& parameter : net->parameters()) all += parameter.numel();
    const PartCosts costs = net->costs(24);
    CHECK(costs.parameters() <= all);
    CHECK(static_cast<double>(costs.parameters()) > 0.9 * static_cast<double>(all));
    CHECK(net->costs(24, 4).state_bytes() >= net->costs(24, 2).state_bytes());  // exactly: state_contract_test.cpp
  }
}

}  // namespace flops_test
