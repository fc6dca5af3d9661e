// Several complete WaveletLM nets side by side, whose logits are averaged or summed.
//   logits = mean_c logits_c (or sum);   with gating, after every `gate_interval` blocks
//   x_c <- x_c ⊙ (1 + tanh(W_g mean of the other cells' x)),  W_g zero at first
// With gating the cells advance block by block in lockstep, else each runs on its own.
// Shapes  B batch, L length, V vocabulary, C width, N cells; W_g [C,C]
// Cost    N times that of one cell, and ceil(layers / gate_interval) C² parameters
// Source  WaveletLM, multinodal mode
#include <ATen/ATen.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/tensors/random.h"
#include "models/layers/projection.h"
#include "models/wavelet/python_shuffle.h"
#include "models/wavelet/wavelet_net.h"

namespace subband::nets::multinodal {

/// A wavelet_lm whose width the owner sets.
struct CellConfig {
  std::string type = "wavelet_lm";
  WaveletNetConfig net;

  void bind(Binder& b) {
    b.choice("type", type, {"wavelet_lm"}, "cells are of this type");
    net.bind(b);
  }
};

struct Config {
  int64_t cells = 2;
  int64_t width = 64;
  std::vector<int64_t> seeds;
  std::string combination = "average";
  bool gating = false;
  int64_t gate_interval = 1;
  std::string lockstep = "complete";
  int64_t features = -1;
  double bagged_epsilon = 1e-6;
  bool scale_loss = false;
  CellConfig cell;

  void bind(Binder& b) {
    b.field("cells", cells, {1, 256}, "N, nets side by side (original: multinodal_num_cells)");
    b.field("width", width, {1, 1 << 16}, "C, of every cell (original: multinodal_cell_dim)");
    b.field("seeds", seeds, {0, 9007199254740992.0},
            "of each cell's initial weights and bagged features; empty: 0, 1, … for the features and values "
            "that follow the run's seed (original: multinodal_seeds)");
    b.check(seeds.empty() || static_cast<int64_t>(seeds.size()) >= cells, "seeds",
            "must have one number per cell, cells = " + std::to_string(cells));
    b.choice("combination", combination, {"average", "sum"}, "of the cells' logits");
    b.field("gating", gating, "cells see each other between blocks (original: multinodal_cross_cell_gating)");
    b.field("gate_interval", gate_interval, {1, 4096}, "blocks between two gates");
    b.choice("lockstep", lockstep, {"complete", "bare"},
             "with gating: complete, cells keep their per-layer embeddings, loops and carried states; bare, "
             "as the original, they do without");
    b.field("features", features, {-1, 1 << 16},
            "channels of a cell's embedding that start as usual; the others start at bagged_epsilon; -1 or "
            "all: every one (original: multinodal_features_per_cell)");
    b.field("bagged_epsilon", bagged_epsilon, {-1e6, 1e6},
            "first value of the other channels (original: multinodal_bagged_eps)");
    b.field("scale_loss", scale_loss,
            "the loss is divided by sqrt(cells), reported losses too, as in the original");
    cell.net.width = width;
    cell.net.imposed_width = true;
    b.group("cell", cell, "what every cell is: the fields of wavelet_lm but its width");
  }
};

class Multinodal final : public Net {
 public:
  Multinodal(const Config& config, const NetContext& context) : config_(config) {
    const auto list = register_module("cells", std::make_shared<torch::nn::Module>("cells"));
    for (int64_t c = 0; c < config_.cells; ++c)
      cells_.push_back(list->register_module(std::to_string(c), make_cell(c, context)));
    if (!config_.gating) return;
    const auto gates = register_module("gates", std::make_shared<torch::nn::Module>("gates"));
    const int64_t layers = config_.cell.net.layers, interval = config_.gate_interval;
    const ProjectionPlan plan{
        .purpose = {.role = Role::gate}, .in = config_.width, .out = config_.width, .bias = false};
    for (int64_t g = 0; g < (layers + interval - 1) / interval; ++g) {
      gates_.push_back(gates->register_module(std::to_string(g),
                                              std::make_shared<Projection>(*context.initializer, plan)));
      gates_.back()->first_weight().zero_();
    }
  }

  at::Tensor forward(const at::Tensor& ids_BL, const Pass& pass) override {
    at::Tensor sum;
    const auto add = [&](const at::Tensor& logits) { sum = sum.defined() ? sum + logits : logits; };
    if (config_.gating) {
      const std::vector<WaveletNet::Stream> streams = lockstep(ids_BL, pass);
      for (size_t c = 0; c < cells_.size(); ++c) add(cells_[c]->head(streams[c].flow.x_BLC));
    } else {
      for (size_t c = 0; c < cells_.size(); ++c) add(cells_[c]->logits(ids_BL, of_cell(pass, c)));
    }
    if (pass.state) pass.state->advance(ids_BL.size(1));
    return config_.combination == "average" ? sum / static_cast<double>(config_.cells) : sum;
  }

  at::Tensor loss(const at::Tensor& ids_BL, const at::Tensor& targets_BL, const Pass& pass) override {
    const at::Tensor loss = Net::loss(ids_BL, targets_BL, pass);
    return config_.scale_loss ? loss / std::sqrt(static_cast<double>(config_.cells)) : loss;
  }

  PartCosts costs(int64_t length, int64_t bytes_per_value) const override {
    PartCosts costs;
    for (const auto& cell : cells_) cell->add_costs(costs, "cells.*.", length, bytes_per_value);
    const int64_t uses = cells_[0]->loop_iterations() * (cells_[0]->applications() / config_.gate_interval) *
                         (config_.cells > 1 ? config_.cells : 0);
    for (size_t g = 0; g < gates_.size(); ++g)
      costs.add("gates", *gates_[g], g == 0 ? static_cast<double>(uses) * gates_[g]->flops(length) : 0);
    return costs;
  }
  void set_generator(const at::Generator& generator) override {
    for (const auto& cell : cells_) cell->set_generator(generator);
  }
  bool can_recompute() const override { return true; }
  void set_recompute(bool on) override {
    for (const auto& cell : cells_) cell->set_recompute(on);
  }
  int64_t most_tokens() const override { return kEndless; }
  Carry carries() const override { return bare() ? Carry::nothing : cells_[0]->carries(); }

 private:
  bool bare() const { return config_.gating && config_.lockstep == "bare"; }

  std::shared_ptr<WaveletNet> make_cell(int64_t c, const NetContext& context) const {
    NetContext own = context;
    Initializer seeded = context.initializer->is_meta() || config_.seeds.empty()
                             ? *context.initializer
                             : Initializer(plain_generator(seed_of(c)));
    own.initializer = &seeded;
    const auto cell = std::make_shared<WaveletNet>(config_.cell.net, own);
    if (config_.features < 0 || config_.features >= config_.width || seeded.is_meta()) return cell;
    const std::vector<int64_t> order = python_shuffle(config_.width, seed_of(c));
    const at::Tensor table_VC = cell->embedding().first_table();
    for (int64_t i = 0; i < config_.width - config_.features; ++i)
      table_VC.select(1, order[static_cast<size_t>(i)]).fill_(config_.bagged_epsilon);
    return cell;
  }

  uint64_t seed_of(int64_t c) const {
    return static_cast<uint64_t>(config_.seeds.empty() ? c : config_.seeds[static_cast<size_t>(c)]);
  }

  // Every cell has slots of its own in the state.
  Pass of_cell(Pass pass, size_t c) const {
    pass.layer = static_cast<int64_t>(c) * cells_[c]->slots();
    return pass;
  }

  std::vector<WaveletNet::Stream> lockstep(const at::Tensor& ids_BL, const Pass& pass) {
    std::vector<WaveletNet::Stream> streams;
    for (size_t c = 0; c < cells_.size(); ++c) {
      streams.push_back(cells_[c]->start(ids_BL, of_cell(pass, c)));
      if (bare()) streams.back().embedded_BLC = at::Tensor();
    }
    const WaveletNetConfig& net = config_.cell.net;
    const int64_t loops = bare() ? 1 : net.loop_iterations;
    const int64_t blocks = bare() && net.loop_block > 0 ? 1 : cells_[0]->applications();
    for (int64_t loop = 0; loop < loops; ++loop)
      for (int64_t i = 0; i < blocks; ++i) {
        for (size_t c = 0; c < cells_.size(); ++c) cells_[c]->advance(streams[c], i);
        if ((i + 1) % config_.gate_interval == 0) gate(streams, (i + 1) / config_.gate_interval - 1);
      }
    for (size_t c = 0; c < cells_.size() && !bare(); ++c) cells_[c]->finish(streams[c]);
    return streams;
  }

  // Looped blocks may be applied more often than there are gates; those then come round again.
  void gate(std::vector<WaveletNet::Stream>& streams, int64_t index) const {
    if (streams.size() < 2) return;
    const auto& map = gates_[static_cast<size_t>(index) % gates_.size()];
    std::vector<at::Tensor> before;
    for (const WaveletNet::Stream& stream : streams) before.push_back(stream.flow.x_BLC);
    for (size_t c = 0; c < streams.size(); ++c) {
      at::Tensor sum;
      for (size_t other = 0; other < before.size(); ++other)
        if (other != c) sum = sum.defined() ? sum + before[other] : before[other];
      const at::Tensor mean = sum / static_cast<double>(before.size() - 1);
      streams[c].flow.x_BLC = before[c] * (1 + at::tanh(map->forward(mean)));
    }
  }

  Config config_;
  std::vector<std::shared_ptr<WaveletNet>> cells_;
  std::vector<std::shared_ptr<Projection>> gates_;
};

void add_to(NetRegistry& r) {
  r.add<Multinodal, Config>(
      {.name = "multinodal",
       .summary = "several wavelet nets side by side, with gates between them",
       .source = "WaveletLM, multinodal mode",
       .cost = "as many times a cell's; ceil(layers / gate_interval) C^2 parameters of gates",
       .version = 2});
}

}  // namespace subband::nets::multinodal
