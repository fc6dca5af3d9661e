// No change of basis and no padding: what a transform is to be measured against.
#include "core/config/binder.h"
#include "models/transform.h"

namespace subband::transforms::identity {

struct Config {
  void bind(Binder&) {}
};

class Identity final : public Transform {
 public:
  Identity(const Config&, const BlockContext&) {}
  int64_t padded_width(int64_t width) const override { return width; }
  at::Tensor forward(const at::Tensor& z_C) override { return z_C; }
  at::Tensor inverse(const at::Tensor& z_C) override { return z_C; }
  double flops(int64_t) const override { return 0; }
};

void add_to(TransformRegistry& r) {
  r.add<Identity, Config>({.name = "identity",
                           .summary = "the channels as they are, without padding",
                           .source = "ours, the null hypothesis of every transform",
                           .cost = "nothing"});
}

}  // namespace subband::transforms::identity
