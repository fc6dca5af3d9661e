// Mixers that are linear in length because a state stands for the past: by chunks of any size, all pairs at once and
// token by token they must compute the same. A mixer belongs here if it has a field `chunk`.
#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/going_on.h"
#include "models/testing/parts.h"

using namespace subband;
using config::Node;

namespace linear_mixers_test {

static std::vector<std::string> mixers_with_chunks() {
  Registry registry;
  register_models_parts(registry);
  std::vector<std::string> names;
  for (const std::string& name : registry.of<Mixer>().names()) {
    BindSession session{.registry = &registry};
    const Node spec = Node::map();
    Node resolved;
    Binder binder(session, spec, resolved);
    registry.of<Mixer>().describe(name, binder);
    const auto is_chunk = [](const FieldInfo& field) { return field.path == "chunk"; };
    if (std::ranges::any_of(session.fields, is_chunk)) names.push_back(name);
  }
  return names;
}

static std::shared_ptr<Mixer> with_chunk(const std::string& name, int64_t chunk) {
  Initializer first(plain_generator(5));
  const auto mixer = testing::make_part<Mixer>(name, {.width = 16, .length = 100, .initializer = &first},
                                               {{"chunk", Node(chunk)}});
  mixer->eval();
  return mixer;
}

TEST_CASE("every linear mixer computes the same by chunks, all pairs at once and token by token", "[linear_mixers]") {
  const int64_t length = 61;
  const at::Tensor x = testing::random({2, length, 16});
  const auto names = mixers_with_chunks();
  CHECK(std::ranges::find(names, "wersa") != names.end());
  CHECK(std::ranges::find(names, "retnet") != names.end());
  for (const std::string& name : names) {
    // One chunk that holds everything is the quadratic form.
    const at::Tensor all_pairs = with_chunk(name, length)->forward(x, {});
    for (const int64_t chunk : {1, 7, 16, 64, 200}) {
      CAPTURE(name, chunk);
      CHECK(testing::relative_rms(with_chunk(name, chunk)->forward(x, {}), all_pairs) < 1e-5);
    }
    const auto mixer = with_chunk(name, 16);
    if (!mixer->can_continue()) continue;
    CAPTURE(name);
    CHECK(testing::relative_rms(testing::by_token(*mixer, x), all_pairs) < 1e-5);
  }
}

}  // namespace linear_mixers_test
