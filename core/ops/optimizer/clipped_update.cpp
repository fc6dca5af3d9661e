#include "core/ops/optimizer/clipped_update.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "core/error.h"
#include "core/ops/op_choice.h"
#include "core/ops/optimizer/clipped_update_cuda.h"
#include "core/ops/optimizer/clipped_update_loops.h"
#include "core/tensors/costs/recorded.h"
#include "core/tensors/device.h"

namespace subband {

namespace clipped_update_paths {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr double kNormMargin = 1e-6;
constexpr int64_t kPieceValues = 1 << 12;       // small enough for the first cache, and for a sum of squares in fp32
constexpr int64_t kValuesPerTurn = 1 << 17;     // of a thread: a second one costs more than it brings below

int64_t pieces_of(const at::Tensor& x) { return (x.numel() + kPieceValues - 1) / kPieceValues; }

// body(tensor, first value, count, number of the piece) for all pieces of all tensors.
void each_piece(const Tensors& all, const std::function<void(size_t, int64_t, int64_t, int64_t)>& body) {
  std::vector<int64_t> before = {0};
  for (const at::Tensor& x : all) before.push_back(before.back() + pieces_of(x));
  at::parallel_for(0, before.back(), kValuesPerTurn / kPieceValues, [&](int64_t first, int64_t end) {
    auto tensor = static_cast<size_t>(std::upper_bound(before.begin(), before.end(), first) - before.begin() - 1);
    for (int64_t piece = first; piece < end; ++piece) {
      while (piece >= before[tensor + 1]) ++tensor;
      const int64_t start = (piece - before[tensor]) * kPieceValues;
      body(tensor, start, std::min(kPieceValues, all[tensor].numel() - start), piece);
    }
  });
}

Tensors in_order(const Tensors& given) {
  Tensors all;
  all.reserve(given.size());
  for (const at::Tensor& x : given) all.push_back(x.contiguous());
  return all;
}

// What was changed in copies goes back; what was changed in place is newer than what autograd may have kept of it.
void hand_back(const Tensors& changed, const Tensors& given) {
  for (size_t i = 0; i < given.size(); ++i) {
    if (!changed[i].is_same(given[i])) given[i].copy_(changed[i]);
    else given[i].unsafeGetTensorImpl()->bump_version();
  }
}

at::Tensor norm_by_loops(const Tensors& given) {
  const Tensors all = in_order(given);
  int64_t pieces = 0;
  for (const at::Tensor& x : all) pieces += pieces_of(x);
  std::vector<double> sums(static_cast<size_t>(pieces));
  each_piece(all, [&](size_t tensor, int64_t first, int64_t count, int64_t piece) {
    sums[static_cast<size_t>(piece)] = squares(all[tensor].const_data_ptr<float>() + first, count);
  });
  double sum = 0;
  for (const double each : sums) sum += each;
  return at::full({}, std::sqrt(sum), all[0].options());
}

// Contiguous, with copies of what is not.
struct InOrder {
  Tensors parameters, gradients, first, second;
  explicit InOrder(const UpdateTensors& t)
      : parameters(in_order(t.parameters)),
        gradients(in_order(t.gradients)),
        first(in_order(t.first)),
        second(in_order(t.second)) {}
  void hand_back_to(const UpdateTensors& t) const {
    hand_back(parameters, t.parameters);
    hand_back(first, t.first);
    hand_back(second, t.second);
  }
};

Factors factors_of(const UpdateRule& rule, double factor) {
  const auto f = [](double x) { return static_cast<float>(x); };
  return {.factor = f(factor),
          .rate = f(rule.rate),
          .weight_decay = f(rule.weight_decay),
          .eps = f(rule.eps),
          .kept = f(1 - rule.rate * rule.weight_decay),
          .beta1 = f(rule.beta1),
          .beta2 = f(rule.beta2),
          .of_gradient = f(1 - rule.beta1),
          .of_square = f(1 - rule.beta2)};
}

// Those of a parameter whose t, this step with it, is so large.
Factors factors_at(Factors factors, const UpdateRule& rule, double t) {
  factors.rate = static_cast<float>(rule.rate / (1 - std::pow(rule.beta1, t)));
  factors.root = static_cast<float>(std::sqrt(1 - std::pow(rule.beta2, t)));
  return factors;
}

void by_loops(const UpdateTensors& t, const std::vector<Factors>& factors, void (*update)(const Piece&, const Factors&)) {
  const InOrder own(t);
  each_piece(own.parameters, [&](size_t i, int64_t first, int64_t count, int64_t) {
    const Piece piece{own.parameters[i].data_ptr<float>() + first, own.gradients[i].const_data_ptr<float>() + first,
                      own.first[i].data_ptr<float>() + first,
                      own.second.empty() ? nullptr : own.second[i].data_ptr<float>() + first, count};
    update(piece, factors[i]);
  });
  own.hand_back_to(t);
}

// The list of pieces, as bytes on the device.
at::Tensor listed(const InOrder& own, const Tensors& steps) {
  std::vector<SubbandUpdatePiece> pieces;
  for (size_t i = 0; i < own.parameters.size(); ++i)
    for (int64_t at = 0; at < own.parameters[i].numel(); at += SubbandUpdate::kPiece)
      pieces.push_back({own.parameters[i].data_ptr<float>() + at, own.gradients[i].const_data_ptr<float>() + at,
                        own.first[i].data_ptr<float>() + at,
                        own.second.empty() ? nullptr : own.second[i].data_ptr<float>() + at,
                        std::min(SubbandUpdate::kPiece, own.parameters[i].numel() - at),
                        steps.empty() ? nullptr : steps[i].const_data_ptr<float>()});
  const size_t bytes = pieces.size() * sizeof(SubbandUpdatePiece);
  at::Tensor list = at::empty({static_cast<int64_t>(bytes)}, at::TensorOptions(at::kByte));
  if (bytes > 0) std::memcpy(list.mutable_data_ptr(), pieces.data(), bytes);
  return list.to(own.parameters[0].device());
}

template <class Launcher>
void by_kernel(const UpdateTensors& t, const UpdateRule& rule, const GradientClip& clip, const char* launcher) {
  const InOrder own(t);
  const at::Tensor list = listed(own, t.steps);
  const at::Device device = own.parameters[0].device();
  const at::Tensor norm = clip.norm.defined() ? clip.norm.to(device, at::kFloat) : clip.norm;
  const auto f = [](double x) { return static_cast<float>(x); };
  const SubbandUpdate update{
      .pieces = static_cast<const SubbandUpdatePiece*>(list.const_data_ptr()),
      .piece_count = list.numel() / static_cast<int64_t>(sizeof(SubbandUpdatePiece)),
      .norm = norm.defined() ? norm.const_data_ptr<float>() : nullptr,
      .clip_norm = f(clip.limit),
      .rate = f(rule.rate),
      .weight_decay = f(rule.weight_decay),
      .eps = f(rule.eps),
      .beta1 = f(rule.beta1),
      .beta2 = f(rule.beta2),
      .stream = cuda_stream(device)};
  cuda_launch<Launcher>("clipped_update", launcher, &update);
  own.hand_back_to(t);
}

void adagrad_reference(const UpdateTensors& t, const UpdateRule& rule, double factor) {
  for (size_t i = 0; i < t.parameters.size(); ++i) {
    at::Tensor g = factor == 1 ? t.gradients[i] : t.gradients[i].mul(factor);
    if (rule.weight_decay != 0) g = g.add(t.parameters[i], rule.weight_decay);
    t.first[i].addcmul_(g, g);
    t.parameters[i].addcdiv_(g, t.first[i].sqrt().add_(rule.eps), -rule.rate);
  }
}

void adamw_reference(const UpdateTensors& t, const UpdateRule& rule, double factor) {
  for (size_t i = 0; i < t.parameters.size(); ++i) {
    const at::Tensor g = factor == 1 ? t.gradients[i] : t.gradients[i].mul(factor);
    const double step = t.steps[i].item<double>();
    const double bias1 = 1 - std::pow(rule.beta1, step), bias2 = 1 - std::pow(rule.beta2, step);
    t.parameters[i].mul_(1 - rule.rate * rule.weight_decay);
    t.first[i].mul_(rule.beta1).add_(g, 1 - rule.beta1);
    t.second[i].mul_(rule.beta2).addcmul_(g, g, 1 - rule.beta2);
    const at::Tensor root = t.second[i].sqrt().div_(std::sqrt(bias2)).add_(rule.eps);
    t.parameters[i].addcdiv_(t.first[i], root, -rule.rate / bias1);
  }
}

void expect_like(const char* op, const char* name, const at::Tensor& x, at::IntArrayRef shape) {
  if (x.sizes() != shape) throw ShapeError(op, c10::str(name, ": expected ", shape, ", got ", x.sizes()));
}

// All of them in one list, for the choice of a path.
Tensors expect_update(const char* op, const UpdateTensors& t, bool is_adamw) {
  const size_t count = t.parameters.size();
  if (t.gradients.size() != count || t.first.size() != count || t.second.size() != (is_adamw ? count : 0) ||
      t.steps.size() != (is_adamw ? count : 0))
    throw ShapeError(op, "tensors: expected as many gradients and tensors of state as there are parameters");
  Tensors all;
  for (size_t i = 0; i < count; ++i) {
    const at::IntArrayRef shape = t.parameters[i].sizes();
    expect_like(op, "gradient", t.gradients[i], shape);
    expect_like(op, "state", t.first[i], shape);
    all.insert(all.end(), {t.parameters[i], t.gradients[i], t.first[i]});
    if (!is_adamw) continue;
    expect_like(op, "state", t.second[i], shape);
    expect_like(op, "steps", t.steps[i], {});
    all.push_back(t.second[i]);
  }
  return all;
}

}  // namespace
}  // namespace clipped_update_paths

double GradientClip::factor() const {
  if (!norm.defined() || limit <= 0) return 1;
  const double reached = norm.item<double>() + clipped_update_paths::kNormMargin;
  return reached <= limit ? 1 : limit / reached;
}

at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients, std::string_view path) {
  const c10::NoGradGuard no_gradients;
  const RecordedOp op("subband::gradient_norm", gradients);
  if (gradients.empty()) return at::zeros({}, at::TensorOptions(at::kFloat));
  if (takes_loops("gradient_norm", gradients, path)) return clipped_update_paths::norm_by_loops(gradients);
  return at::stack(at::_foreach_norm(gradients)).norm();
}

void clipped_adagrad(const UpdateTensors& t, const UpdateRule& rule, const GradientClip& clip, std::string_view path) {
  using namespace clipped_update_paths;
  const c10::NoGradGuard no_gradients;
  const Tensors all = expect_update("clipped_adagrad", t, false);
  const RecordedOp op("subband::clipped_adagrad", all);
  if (all.empty()) return;
  switch (taken_path("clipped_adagrad", all, path, {.cuda = KernelTypes::fp32})) {
    case OpPath::loops:
      return by_loops(t, std::vector(t.parameters.size(), factors_of(rule, clip.factor())), adagrad);
    case OpPath::cuda:
      return by_kernel<decltype(subband_cuda_clipped_adagrad)>(t, rule, clip, "subband_cuda_clipped_adagrad");
    case OpPath::reference: break;
  }
  adagrad_reference(t, rule, clip.factor());
}

void clipped_adamw(const UpdateTensors& t, const UpdateRule& rule, const GradientClip& clip, std::string_view path) {
  using namespace clipped_update_paths;
  const c10::NoGradGuard no_gradients;
  const Tensors all = expect_update("clipped_adamw", t, true);
  const RecordedOp op("subband::clipped_adamw", all);
  if (all.empty()) return;
  const OpPath taken = taken_path("clipped_adamw", all, path, {.cuda = KernelTypes::fp32});
  if (taken == OpPath::cuda) {
    at::_foreach_add_(t.steps, 1);
    return by_kernel<decltype(subband_cuda_clipped_adamw)>(t, rule, clip, "subband_cuda_clipped_adamw");
  }
  if (taken == OpPath::reference) {
    at::_foreach_add_(t.steps, 1);
    return adamw_reference(t, rule, clip.factor());
  }
  const Factors factors = factors_of(rule, clip.factor());
  std::vector<Factors> each;
  for (const at::Tensor& steps : t.steps) {
    float& step = *steps.mutable_data_ptr<float>();
    step += 1;
    each.push_back(factors_at(factors, rule, static_cast<double>(step)));
  }
  by_loops(t, each, adamw);
}

}  // namespace subband
