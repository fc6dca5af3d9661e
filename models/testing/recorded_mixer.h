// Holds a mixer against the recorded answers of another implementation, through one table of names.
#pragma once
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/testing/catch.h"
#include "models/mixer.h"
#include "models/testing/parts.h"

namespace subband::testing {

/// Our parameter or buffer, and theirs: whole, or part `part` of `parts` along the first axis.
struct Renamed {
  std::string ours, theirs;
  int64_t part = 0, parts = 1;

  at::Tensor of(const Tensors& recorded, const std::string& prefix) const {
    return recorded.at(prefix + theirs).chunk(parts)[static_cast<size_t>(part)];
  }
};
using NameTable = std::vector<Renamed>;

/// Recorded answers from models/testdata or the folder of shared files; nothing, with a printed reason, where
/// they are in neither.
inline std::optional<Tensors> recorded_mixer(const std::string& name) {
  const std::filesystem::path own = program_root() / "models/testdata/mixers" / (name + ".safetensors");
  return std::filesystem::exists(own) ? read_safetensors(own).tensors : recorded("mixers/" + name);
}

inline void load_recorded(torch::nn::Module& module, const Tensors& recorded, const NameTable& table) {
  const torch::NoGradGuard no_gradient;
  for (const Renamed& name : table) {
    CAPTURE(name.ours);
    const at::Tensor tensor = value_named(module, name.ours);
    REQUIRE(tensor.defined());
    const at::Tensor value = name.of(recorded, "w/");
    REQUIRE(tensor.sizes() == value.sizes());
    tensor.data().copy_(value);
  }
  for (const auto& parameter : module.named_parameters()) {
    CAPTURE(parameter.key());
    CHECK(std::any_of(table.begin(), table.end(),
                      [&](const Renamed& each) { return each.ours == parameter.key(); }));
  }
}

/// Outputs at real tokens to 1e-5 in fp32 and 1e-6 in fp64, gradients of sum(y c) to 1e-4, all relative RMS.
/// `run` feeds the mixer; without it: forward, with the recorded `keep`.
inline void match_recorded(Mixer& mixer, const Tensors& recorded, const NameTable& table,
                           std::function<at::Tensor(const at::Tensor&)> run = {}) {
  load_recorded(mixer, recorded, table);
  const at::Tensor keep = recorded.contains("keep") ? recorded.at("keep") : at::Tensor();
  const at::Tensor real = keep.defined() ? keep : at::ones(recorded.at("y").sizes().slice(0, 2), at::kBool);
  if (!run) run = [&](const at::Tensor& x) { return mixer.forward(x, {.keep_BL = keep}); };
  mixer.eval();
  mixer.to(at::kFloat);
  const at::Tensor x = recorded.at("x").clone().requires_grad_(), y = run(x);
  CHECK(relative_rms(y.index({real}), recorded.at("y").index({real})) < 1e-5);
  (y * recorded.at("c")).sum().backward();
  CHECK(relative_rms(x.grad(), recorded.at("gx")) < 1e-4);
  for (const Renamed& name : table) {
    if (!recorded.contains("g/" + name.theirs)) continue;
    CAPTURE(name.ours);
    CHECK(relative_rms(mixer.named_parameters()[name.ours].grad(), name.of(recorded, "g/")) < 1e-4);
  }
  mixer.to(at::kDouble);
  const at::Tensor y64 = run(recorded.at("x").to(at::kDouble));
  CHECK(relative_rms(y64.index({real}), recorded.at("y64").index({real})) < 1e-6);
}

/// The named linear map of a mixer, applied.
inline at::Tensor mapped(const torch::nn::Module& module, const std::string& name, const at::Tensor& x) {
  const auto parameters = module.named_parameters();
  const at::Tensor* bias = parameters.find(name + ".bias");
  return at::linear(x, parameters[name + ".weight"].detach(), bias ? bias->detach() : at::Tensor());
}

/// Attention with given weights, in scalar loops: y[i] = sum over j of weight(h, i, j) v[j], divided by the
/// sum of the weights + epsilon where `normalized`. Shapes  v [L,G,V] -> [L,H,V]; head h reads group h G / H.
inline at::Tensor weighted_sums(const at::Tensor& v_LGV, int64_t heads, double epsilon,
                                const std::function<double(int64_t, int64_t, int64_t)>& weight) {
  const int64_t L = v_LGV.size(0), G = v_LGV.size(1), V = v_LGV.size(2);
  at::Tensor y = at::zeros({L, heads, V}, at::kDouble);
  const auto v = v_LGV.accessor<double, 3>();
  auto out = y.accessor<double, 3>();
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < L; ++i) {
      double sum = epsilon;
      for (int64_t j = 0; j < L; ++j) {
        const double w = weight(h, i, j);
        sum += w;
        for (int64_t c = 0; c < V; ++c) out[i][h][c] += w * v[j][h * G / heads][c];
      }
      for (int64_t c = 0; c < V; ++c) out[i][h][c] /= sum;
    }
  }
  return y;
}

}  // namespace subband::testing
