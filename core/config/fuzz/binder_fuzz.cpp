// libFuzzer: any tree binds, or every mistake of it is named; what was bound binds to itself.
#include <cstdlib>

#include "core/config/binder.h"
#include "core/config/yaml.h"
#include "core/error.h"

namespace subband {

struct Inner {
  bool on = true;
  std::vector<double> rates = {0.5};
  void bind(Binder& b) {
    b.field("on", on, "a switch");
    b.field("rates", rates, {0, 1}, "a list");
    b.check(rates.size() < 5, "rates", "must be few");
  }
};

struct Outer {
  int64_t width = 4;
  std::optional<double> decay;
  std::string name = "x", form = "a";
  std::vector<std::string> words;
  Inner inner;
  config::Node tree;
  void bind(Binder& b) {
    b.field("width", width, {1, 64}, "a number");
    b.field("decay", decay, {.low = 0, .above = true}, "perhaps");
    b.field("name", name, "text");
    b.choice("form", form, {"a", "b"}, "one of two");
    b.field("words", words, "texts");
    b.group("inner", inner, "a struct");
    b.tree("tree", tree, "anything");
    b.cosmetic({"name"});
  }
};

}  // namespace subband

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace subband;
  try {
    const config::Node tree = config::parse_yaml({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
    BindSession session;
    config::Node resolved;
    Binder binder(session, tree, resolved);
    Outer outer;
    outer.bind(binder);
    binder.finish_keys();
    session.finish();
    BindSession second;
    config::Node again;
    Binder rebinder(second, resolved, again);
    Outer copy;
    copy.bind(rebinder);
    rebinder.finish_keys();
    second.finish();
    if (!(again == resolved)) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
