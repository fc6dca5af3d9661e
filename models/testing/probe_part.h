// A few numbers into which every value of a part's forward and backward enters, for a book of probes. Forward of each
// kind is called here and nowhere else in probes.
#pragma once
#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/ops/op_paths.h"
#include "models/bypass.h"
#include "models/channel_mixer.h"
#include "models/dilation.h"
#include "models/lifting.h"
#include "models/mixer.h"
#include "models/net.h"
#include "models/scale_mixer.h"
#include "models/testing/build.h"
#include "models/transform.h"

namespace subband::testing {

/// N(0, 1) from the stream of that name.
inline at::Tensor probe_noise(const std::string& name, at::IntArrayRef shape) {
  return at::empty(shape, at::kDouble).normal_(0, 1, stream(1, "probe " + name));
}

using Outputs = std::vector<at::Tensor>;

inline at::Tensor probe_input() { return probe_noise("x", {2, 12, 8}).requires_grad_(); }
inline at::Tensor probe_coefficients() { return probe_noise("z", {3, 2, 12, 8}).requires_grad_(); }
inline at::Tensor probe_ids() { return at::empty({2, 12}, at::kLong).random_(0, 11, stream(1, "probe ids")); }

inline Outputs probed(Mixer& part, const at::Tensor& x) { return {part.forward(x, {})}; }
inline Outputs probed(ChannelMixer& part, const at::Tensor& x) { return {part.forward(x)}; }
inline Outputs probed(Transform& part, const at::Tensor& x) { return {part.forward(x), part.inverse(x)}; }
inline Outputs probed(Dilation& part, const at::Tensor& x) { return {part.past(x, 0), part.past(x, 1)}; }
inline Outputs probed(Lifting& part, const at::Tensor& x) {
  const at::Tensor z = part.decompose(x);
  return {z, part.reconstruct(z * z)};
}
inline Outputs probed(Bypass& part, const at::Tensor& x) {
  const at::Tensor summary = part.summary(x);
  if (!summary.defined()) return {part.apply(x.unsqueeze(0), summary, {})};
  const at::Tensor z = probe_noise("z", {3, 2, 12, 8}), previous = probe_noise("previous", {2, 12, 8});
  return {summary, part.apply(z, summary, previous)};
}
inline Outputs probed(ScaleMixer& part, const at::Tensor& z) { return {part.forward(z)}; }
inline Outputs probed(Net& part, const at::Tensor& ids) {
  const at::Tensor targets = at::roll(ids, 1, 1);
  if (part.gives_classes()) return {part.forward(ids)};
  return {part.forward(ids), part.loss(ids, targets)};
}

/// Parameters, and buffers that initialisation draws, become those of streams named after them, so that neither the
/// order of draws nor the start of a part enters a probe.
template <class Part>
void name_values(Part& part, const Part& other) {
  const torch::NoGradGuard no_gradient;
  const auto buffers = part.named_buffers(), others = other.named_buffers();
  for (auto& item : part.named_parameters())
    item.value().copy_(0.4 * probe_noise(item.key(), item.value().sizes()));
  for (const auto& item : buffers) {
    if (!item.value().is_floating_point() || item.value().equal(others[item.key()])) continue;
    at::Tensor(item.value()).copy_(probe_noise(item.key(), item.value().sizes()));
  }
}

/// Sums of outputs, of the input's gradient and of all parameters' gradients, each against fixed noise. `make` makes
/// the part with initial values from a seed.
template <class Part>
std::vector<double> probe(const std::function<std::shared_ptr<Part>(uint64_t seed)>& make,
                          const at::Tensor& x) {
  const OpPaths reference(ForcedPaths{{"fwht", "reference"}, {"causal_filter", "reference"}});
  const std::shared_ptr<Part> part = make(1), other = make(2);
  part->eval(), part->to(at::kDouble), other->to(at::kDouble);
  name_values(*part, *other);
  std::vector<double> values;
  at::Tensor sum = at::zeros({}, at::kDouble);
  for (const at::Tensor& y : probed(*part, x)) {
    sum = sum + (y * probe_noise("y" + std::to_string(values.size()), y.sizes())).sum();
    values.push_back(sum.template item<double>());
  }
  const bool has_input = x.requires_grad();
  if (sum.requires_grad()) sum.backward();
  if (has_input) values.push_back((x.grad() * probe_noise("gx", x.sizes())).sum().template item<double>());
  double gradients = 0;
  for (const auto& item : part->named_parameters()) {
    const at::Tensor& g = item.value().grad();
    if (g.defined())
      gradients += (g * probe_noise("g " + item.key(), g.sizes())).sum().template item<double>();
  }
  values.push_back(gradients);
  return values;
}

}  // namespace subband::testing
