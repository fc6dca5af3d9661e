#include "experiments/quantisation/packing.h"

#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/json.h"
#include "core/tensors/random.h"
#include "core/testing/catch.h"
#include "core/testing/folder.h"
#include "experiments/parts.h"
#include "experiments/quantisation/packing_table.h"
#include "experiments/testing/tiny.h"
#include "experiments/training/trainer.h"

namespace packing_test {

using namespace subband;
using config::Node;
namespace fs = std::filesystem;

static const Registry& parts() {
  static const Registry registry = [] {
    Registry made;
    made.of<Data>().add<testing::TinyData, testing::TinyData::Config>(
        {.name = "tiny", .summary = "for tests"});
    made.of<Tokenizer>().add<testing::LetterTokenizer, testing::LetterTokenizer::Config>(
        {.name = "letters", .summary = "for tests"});
    register_parts(made);
    return made;
  }();
  return registry;
}

static Recipe wavelet_recipe() {
  Node config = testing::tiny_config();
  config.set_at("net.type", Node("wavelet_lm"));
  config.set_at("net.width", Node(int64_t{32}));
  config.set_at("net.block.levels", Node(int64_t{2}));
  return bind_recipe(parts(), "tiny", config);
}

static Checkpoint wavelet_checkpoint() {
  const Recipe recipe = wavelet_recipe();
  return fresh_checkpoint(recipe, model_tensors(*make_net(recipe)));
}

static at::Tensor letters() { return at::empty({2, 8}, at::kLong).random_(0, 27, plain_generator(1)); }

TEST_CASE("one packed file is a model: it computes as the packed net did, and is as small as it says",
          "[packing]") {
  const torch::NoGradGuard no_gradient;
  const TestFolder folder;
  for (const bool symmetric : {true, false}) {
    Packing packing(parts(), wavelet_checkpoint(), folder / "cache");
    QuantisationPlan plan = QuantisationPlan::uniform(3);
    plan.group = 32, plan.symmetric = symmetric;
    const PackedMatrices matrices = packing.pack(plan, false);
    const fs::path file = folder / "packed.safetensors", dense = folder / "dense.safetensors";
    write_checkpoint(file, packing.checkpoint_with(matrices, "nearest"));
    write_checkpoint(dense, wavelet_checkpoint());
    CHECK(fs::file_size(file) < fs::file_size(dense) / 2);
    const Checkpoint read = read_checkpoint(file);
    CHECK(read.about.at("quantisation") == "nearest");
    const Json roles = read_json(read.about.at("roles"), "roles");
    CHECK(roles["head.weight"] == "head");
    CHECK(roles["norm.weight"] == "norm");
    const auto restored = restore_net(parts(), read), own = restore_net(parts(), wavelet_checkpoint());
    pack_net(*own, matrices, "test");
    restored->eval(), own->eval();
    CHECK(restored->forward(letters()).equal(own->forward(letters())));
    CHECK(first_packed(*restored) ==
          "embedding.weight (" + plan.form({.role = Role::embedding}, 27, 32)->text() + ")");
    CHECK_THROWS_WITH(Packing(parts(), read, folder / "cache"),
                      Catch::StartsWith("checkpoint: packed 'blocks.0") &&
                          Catch::EndsWith("is packed already; pack what it was made of"));
  }
}

TEST_CASE("packed weights are not trained, by name", "[packing]") {
  const TestFolder folder;
  Packing packing(parts(), wavelet_checkpoint(), folder / "cache");
  QuantisationPlan plan;
  plan.bits[QuantiserTier::embedding] = 4;
  const Checkpoint packed = packing.checkpoint_with(packing.pack(plan, false), "nearest");
  const Recipe recipe = wavelet_recipe();
  const std::shared_ptr<Task> task = make_task(recipe);
  const auto open = task->open(task_use(recipe, at::kCPU, folder / "cache"));
  const auto net = make_net(recipe);
  Trainer trainer(recipe, *net, *open, {.steps = 3});
  CHECK_THROWS_WITH(
      trainer.load(packed),
      "checkpoint: packed 'embedding.weight' (4 bits, one scale): packed weights are not trained; go on from "
      "the checkpoint that they were made of");
  const auto packed_net = restore_net(parts(), packed);
  CHECK_THROWS_WITH(Trainer(recipe, *packed_net, *open, {.steps = 3}),
                    "net: packed embedding.weight (4 bits, one scale): packed weights are not trained");
}

TEST_CASE("packed files that are cut or lie are refused in one line", "[packing]") {
  const TestFolder folder;
  Packing packing(parts(), wavelet_checkpoint(), folder / "cache");
  const Checkpoint good =
      packing.checkpoint_with(packing.pack(QuantisationPlan::original(), false), "nearest");
  const fs::path file = folder / "f.safetensors";
  const auto refusal = [&](const Checkpoint& checkpoint) {
    write_checkpoint(file, checkpoint);
    try {
      restore_net(parts(), read_checkpoint(file));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refusal(good) == "accepted");
  const auto size = fs::file_size(file);
  for (const uintmax_t kept : {size - 1, size / 2, uintmax_t{100}, uintmax_t{7}}) {
    write_checkpoint(file, good);
    fs::resize_file(file, kept);
    CHECK_THROWS_AS(read_checkpoint(file), Error);
  }
  const std::string place = file.string() + ": ";
  Checkpoint lies = good;
  lies.packed.at("head.weight").bits = 3;
  CHECK(refusal(lies) == place + "packed \"head.weight\": codes: expected U8 [27, 24], got U8 [27, 32]");
  lies = good;
  lies.packed.at("head.weight").columns = 31;
  CHECK(refusal(lies) == "checkpoint: packed 'head.weight': expected [27, 32], got [27, 31]");
  lies = good;
  lies.packed.erase("head.weight");
  CHECK(refusal(lies) == place + "\"packed/head.weight/codes\": no form in the metadata 'packed' names it");
  lies = good;
  lies.tensors["packed/head.weight/scales"] = at::full({27, 1}, std::nan(""));
  CHECK(refusal(lies) == "checkpoint: packed 'head.weight': scales: must be finite numbers");
  lies = good;
  lies.about["tokenizer"] = std::string(64, '0');
  CHECK(refusal(lies) == "checkpoint: tokenizer = 000000000000: the one at hand is " +
                             make_tokenizer(wavelet_recipe())->fingerprint().substr(0, 12) +
                             "; the weights were made for another");
}

// Σ over positions, number by number.
TEST_CASE("agreement is the definition, and a net agrees with itself", "[packing]") {
  const torch::NoGradGuard no_gradient;
  const TestFolder folder;
  Packing packing(parts(), wavelet_checkpoint(), folder / "cache");
  packing.open_text({.split = "valid"});
  const Agreement same = packing.compare({});
  CHECK(same.kl == Approx(0).margin(1e-12));
  CHECK(same.same_top == 1);
  CHECK(same.tokens == 96);  // twelve windows of eight in 101 letters
  const PackedMatrices matrices = packing.pack(QuantisationPlan::uniform(2), false);
  const Agreement measured = packing.compare(matrices);
  const auto dense = restore_net(parts(), wavelet_checkpoint()),
             packed = restore_net(parts(), wavelet_checkpoint());
  pack_net(*packed, matrices, "test");
  dense->eval(), packed->eval();
  std::vector<int32_t> ids;
  make_tokenizer(wavelet_recipe())->encode(make_data(wavelet_recipe())->text("valid").text, ids);
  double loss = 0, kl = 0, top = 0;
  for (size_t first = 0; first < 96; first += 8) {
    at::Tensor window = at::empty({1, 8}, at::kLong);
    for (size_t i = 0; i < 8; ++i) window[0][static_cast<int64_t>(i)] = ids[first + i];
    const at::Tensor p = dense->forward(window).to(at::kDouble).softmax(-1)[0],
                     q = packed->forward(window).to(at::kDouble).softmax(-1)[0];
    for (int64_t i = 0; i < 8; ++i) {
      loss -= std::log(q[i][ids[first + static_cast<size_t>(i) + 1]].item<double>());
      for (int64_t v = 0; v < 27; ++v)
        kl += p[i][v].item<double>() * std::log(p[i][v].item<double>() / q[i][v].item<double>());
      top += p[i].argmax().item<int64_t>() == q[i].argmax().item<int64_t>();
    }
  }
  CHECK(measured.loss == Approx(loss / 96).epsilon(1e-6));
  CHECK(measured.kl == Approx(kl / 96).epsilon(1e-5));
  CHECK(measured.same_top == Approx(top / 96));
}

TEST_CASE("calibration shows the net training data or a text, and nothing else changes", "[packing]") {
  const TestFolder folder;
  write_file(folder / "own.txt", std::string(300, 'a') + std::string(300, 'b'));
  Packing packing(parts(), wavelet_checkpoint(), folder / "cache");
  const QuantisationPlan plan = QuantisationPlan::uniform(3);
  const auto codes = [](const PackedMatrices& all) { return all.at("head.weight").codes; };
  const at::Tensor nearest = codes(packing.pack(plan, false));
  CHECK(codes(packing.pack(plan, true)).equal(nearest));  // nothing was shown
  packing.calibrate({.tokens = 200});
  const at::Tensor data = codes(packing.pack(plan, true));
  CHECK_FALSE(data.equal(nearest));
  packing.calibrate({.tokens = 200});
  CHECK(codes(packing.pack(plan, true)).equal(data));
  packing.calibrate({.file = (folder / "own.txt").string(), .tokens = 200});
  CHECK_FALSE(codes(packing.pack(plan, true)).equal(data));
  CHECK(codes(packing.pack(plan, false)).equal(nearest));
}

TEST_CASE("variants are told against the first of them", "[packing]") {
  const std::vector<PackedVariant> variants = {
      {.what = "nothing", .bits = "32", .bytes = 1 << 20, .measured = {.same_top = 1}, .bpb = 2},
      {.what = "mlp",
       .bits = "4",
       .group = "row",
       .method = "gptq",
       .bytes = 1 << 19,
       .measured = {.kl = 0.25, .same_top = 0.5},
       .bpb = 2.5}};
  CHECK(variants_text(variants) ==
        "packed    bits     group  method        MiB       BPB       more         KL    top-1\n"
        "nothing     32                        1.000    2.0000    +0.0000    0.00000  100.00%\n"
        "mlp          4       row  gptq        0.500    2.5000    +0.5000    0.25000   50.00%\n");
}

}  // namespace packing_test
