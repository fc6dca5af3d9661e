#include "analysis/bench/mixer_peer.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/slot.h"
#include "core/tensors/safetensors.h"
#include "experiments/training/checkpoints/checkpoint.h"

namespace subband {

bool has_mixer_peer(const std::string& mixer) {  // analysis/peers/mixers.py
  constexpr std::array<std::string_view, 5> kPeers = {"linear_attention", "performer", "retnet", "wersa", "wavelet"};
  return std::ranges::find(kPeers, mixer) != kPeers.end();
}

MixerPeers::MixerPeers(const Registry& registry, const MixerBenchPlan& plan) : registry_(registry), plan_(plan) {
  if (plan.peers) python_ = python_with_torch(program_root(), lacking_);
}

std::string MixerPeers::why_not(const MixerRunner* own) const {
  if (own == nullptr) return "our own form is left out";
  if (!lacking_.empty()) return lacking_;
  return own->cell.form == "causal" ? "" : "the peer is causal";
}

void MixerPeers::start(MixerRunner& runner, const MixerRunner* own, const at::Tensor& x,
                       const MixerRunners& runners) const {
  MixerContender& contender = *runner.contender;
  std::string& skipped = runner.cell.skipped;
  if (contender.ended.empty()) contender.ended = why_not(own);
  if (contender.ended.empty()) contender.ended = runners.prediction(runner);
  if (!(skipped = contender.ended).empty()) return;
  runner.cell.form = own->cell.form, runner.cell.flops = own->cell.flops, runner.cell.peer_of = contender.peer_of;
  const OwnFolder folder;
  try {
    hand_over(*own, x, folder);
    runner.peer = std::make_unique<PeerProcess>(
        std::vector<std::string>{python_, (program_root() / "analysis/peers/mixer.py").string(), folder.path().string(),
                                 std::to_string(at::get_num_threads())});
    runner.has_run(runner.peer->heard().at("seconds").get<double>());
  } catch (const Error& error) {
    skipped = contender.ended = error.first().message;
  }
}

void MixerPeers::hand_over(const MixerRunner& own, const at::Tensor& x, const OwnFolder& files) const {
  const c10::NoGradGuard no_gradient;
  write_safetensors(files / "weights.safetensors", model_tensors(*own.mixer));
  write_safetensors(files / "pass.safetensors", {{"x", x}, {"y", own.mixer->forward(x, {})}});
  config::Node spec = config::Node::map(), written = config::Node::map(), resolved = config::Node::map();
  spec.set("type", config::Node(own.contender->name));
  written.set("mixer", std::move(spec));
  BindSession session{.registry = &registry_};
  Binder binder(session, written, resolved);
  Slot<Mixer> slot;
  slot.bind(binder, "mixer", {.width = plan_.width, .length = x.size(1), .causal = true}, "");
  config::Node asked = config::Node::map();
  asked.set("spec", *resolved.find("mixer"));
  asked.set("backward", config::Node(plan_.backward));
  write_file(files / "mixer.json", config::to_json(asked));
}

}  // namespace subband
