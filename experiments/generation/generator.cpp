#include "experiments/generation/generator.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>

#include "core/draws.h"
#include "core/error.h"
#include "experiments/generation/text_quality.h"
#include "experiments/generation/text_stream.h"
#include "experiments/tasks/evaluation.h"
#include "models/layers/weight_matrix.h"
#include "models/module.h"

namespace subband {

namespace {

// Tokens by which one prompt may be longer than another that is read with it: they are read one by one.
constexpr int64_t kLonger = 64;

// A text that is being drawn.
struct Row {
  GeneratedText result;
  size_t place = 0;  // in the answer
  int64_t attempt = 0, prompt = 0;
  std::vector<int32_t> ids;
  TextStream stream;
  std::string stream_name;
  bool is_done = false;
};

class Generation {
 public:
  Generation(Net& net, const Tokenizer& tokenizer, const Strategies& strategies, const GenerationOptions& options)
      : net_(net), tokenizer_(tokenizer), strategies_(strategies), options_(options) {}

  std::vector<GeneratedText> run(const std::vector<std::vector<int32_t>>& prompts) {
    std::vector<Row> rows;
    for (size_t prompt = 0; prompt < prompts.size(); ++prompt) {
      if (prompts[prompt].empty()) throw ConfigError("", "prompt: must have at least one token", "bad_value");
      for (int64_t sample = 0; sample < options_.samples; ++sample)
        for (int64_t attempt = 0; attempt < strategies_.attempts(); ++attempt)
          rows.push_back(new_row(prompts[prompt], {.prompt = prompt, .sample = sample}, attempt));
    }
    find_embedding();
    for (const std::vector<Row*>& group : groups(rows)) draw(group);
    return answers(rows);
  }

 private:
  Row new_row(const std::vector<int32_t>& prompt, GeneratedText result, int64_t attempt) const {
    const std::string name = "sample " + std::to_string(result.sample) + "/" + std::to_string(attempt);
    const auto place = static_cast<int64_t>(result.prompt) * options_.samples + result.sample;
    return {.result = std::move(result),
            .place = static_cast<size_t>(place),
            .attempt = attempt,
            .prompt = std::ssize(prompt),
            .ids = prompt,
            .stream = TextStream(tokenizer_, prompt, options_.stops),
            .stream_name = name};
  }

  // The first table of vectors of ids, packed or not, where somebody asks for it.
  void find_embedding() {
    if (!strategies_.has(SamplingStage::coherence)) return;
    const auto is_table = [this](const Purpose& purpose, int64_t rows) {
      return purpose.role == Role::embedding && rows >= tokenizer_.vocabulary() && !embedding_.defined();
    };
    for (const NamedMatrix& each : weight_matrices(net_))
      if (is_table(each.matrix->purpose(), each.matrix->rows())) embedding_ = each.matrix->dense().detach();
    for (const Parameter& each : parameters_of(net_))
      if (each.value.dim() == 2 && is_table(each.purpose, each.value.size(0))) embedding_ = each.value.detach();
    if (!embedding_.defined())
      throw ConfigError("",
                        "strategies: coherence compares the vectors of tokens, and the net has no table of them; remove coherence",
                        "bad_value");
  }

  // Rows whose prompts are of much the same length; of one length where a window hands on what it has seen, for then it
  // matters which tokens were read at once.
  std::vector<std::vector<Row*>> groups(std::vector<Row>& rows) const {
    std::vector<Row*> order;
    for (Row& row : rows) order.push_back(&row);
    std::ranges::stable_sort(order, {}, &Row::prompt);
    const int64_t longer = net_.carries() == Carry::across ? 0 : kLonger;
    std::vector<std::vector<Row*>> groups;
    for (Row* row : order) {
      const bool joins = !groups.empty() && std::ssize(groups.back()) < options_.most_rows &&
                         row->prompt - groups.back().front()->prompt <= longer;
      if (!joins) groups.emplace_back();
      groups.back().push_back(row);
    }
    return groups;
  }

  void draw(std::vector<Row*> rows) {
    TokenSource source(net_, options_.source);
    for (int64_t count = rows.front()->prompt; !rows.empty(); ++count) {
      if (options_.stop != nullptr && options_.stop->load()) break;
      TokenSource::Texts texts;
      for (const Row* row : rows) texts.push_back(&row->ids);
      const at::Tensor logits_BV = source.after(texts, count);
      for (size_t b = 0; b < rows.size(); ++b)
        if (std::ssize(rows[b]->ids) == count) next_token(*rows[b], logits_BV[static_cast<int64_t>(b)], source, static_cast<int64_t>(b));
      leave_out_done(rows, source);
    }
    for (Row* row : rows) row->result.ended = "interrupted", finish(*row);
  }

  void next_token(Row& row, const at::Tensor& logits_V, TokenSource& source, int64_t place) const {
    const double* logits = logits_V.const_data_ptr<double>();
    if (!std::isfinite(*std::max_element(logits, logits + logits_V.numel(), comes_later)))
      throw Error("generate", "logits behind token " + std::to_string(row.ids.size()) + " are not numbers");
    SamplingStep step{.ids = row.ids,
                      .prompt = row.prompt,
                      .logits = {logits, logits + logits_V.numel()},
                      .embedding_VC = embedding_};
    Draws draws(options_.seed, row.stream_name, static_cast<uint64_t>(step.drawn()));
    const std::unique_ptr<Rollout> rollout = source.rollout(row.ids, place);
    const DrawnToken token = strategies_.draw(step, *rollout, draws.uniform());
    row.result.tokens.push_back(token);
    row.ids.push_back(token.id);
    show(row, row.stream.push(token.id));
    const bool is_full = std::ssize(row.result.tokens) >= options_.tokens;
    if (!row.stream.stopped() && !is_full) return;
    row.result.ended = row.stream.stopped() ? "stop" : "length";
    finish(row);
  }

  // The order of numbers, and behind them what is none.
  static bool comes_later(double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); }

  void show(Row& row, const std::string& piece) const {
    row.result.text += piece;
    if (options_.watch && !piece.empty() && strategies_.attempts() == 1) options_.watch(row.place, piece);
  }

  void finish(Row& row) const {
    show(row, row.stream.finish());
    row.is_done = true;
  }

  static void leave_out_done(std::vector<Row*>& rows, TokenSource& source) {
    std::vector<int64_t> left;
    for (size_t b = 0; b < rows.size(); ++b)
      if (!rows[b]->is_done) left.push_back(static_cast<int64_t>(b));
    if (left.size() == rows.size()) return;
    std::erase_if(rows, [](const Row* row) { return row->is_done; });
    if (!rows.empty()) source.keep(left);
  }

  // Of several attempts the likeliest.
  std::vector<GeneratedText> answers(std::vector<Row>& rows) const {
    std::vector<GeneratedText> texts;
    for (Row& row : rows) {
      const bool is_better = row.attempt > 0 && is_likelier(row.result.tokens, texts.back().tokens);
      if (row.attempt == 0) texts.push_back(std::move(row.result));
      else if (is_better) texts.back() = std::move(row.result);
    }
    for (GeneratedText& text : texts) text.text = strategies_.finished(text.text);
    return texts;
  }

  Net& net_;
  const Tokenizer& tokenizer_;
  const Strategies& strategies_;
  const GenerationOptions& options_;
  at::Tensor embedding_;
};

}  // namespace

std::vector<GeneratedText> generate(Net& net, const Tokenizer& tokenizer, const Strategies& strategies,
                                    const std::vector<std::vector<int32_t>>& prompts, const GenerationOptions& options) {
  const EvaluationMode mode(net);
  return Generation(net, tokenizer, strategies, options).run(prompts);
}

}  // namespace subband
