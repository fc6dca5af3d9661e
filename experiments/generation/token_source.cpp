#include "experiments/generation/token_source.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "core/tensors/autocast.h"

namespace subband {

namespace {
constexpr int64_t kPiece = 512;  // tokens of a prompt that are read at once: logits of all of them are held
}

at::Tensor TokenSource::after(const Texts& texts, int64_t count) {
  const int64_t most = net_.most_tokens();
  if (most == 0 || options_.slides) {
    const int64_t window = std::min(options_.length, count);
    const bool carries = most > 0 && net_.carries() == Carry::across;
    if (carries) state_.next_window();
    return read(texts, count - window, window, carries ? &state_ : nullptr);
  }
  int64_t fresh = count - seen_;
  if (state_.position() + fresh > most) {
    state_ = SequenceState();
    fresh = std::min(count, std::max<int64_t>(1, most / 2));
  }
  seen_ = count;
  while (fresh > kPiece) {
    read(texts, count - fresh, kPiece, &state_);
    fresh -= kPiece;
  }
  return read(texts, count - fresh, fresh, &state_);
}

at::Tensor TokenSource::read(const Texts& texts, int64_t first, int64_t count, SequenceState* state) {
  const at::Tensor ids = at::empty({std::ssize(texts), count}, at::kLong);
  int64_t* to = ids.mutable_data_ptr<int64_t>();
  for (const std::vector<int32_t>* text : texts) to = std::copy_n(text->begin() + first, count, to);
  const Autocast autocast(options_.precision);
  const at::Tensor logits = net_.forward(ids.to(options_.device), {.state = state});
  return logits.select(1, count - 1).to(at::kCPU, at::kDouble).contiguous();
}

void TokenSource::keep(const std::vector<int64_t>& texts) {
  if (state_.batch() != kAny) state_.choose(at::tensor(at::ArrayRef<int64_t>(texts), at::kLong));
}

class SourceRollout final : public Rollout {
 public:
  SourceRollout(TokenSource& source, const std::vector<int32_t>& text, int64_t place)
      : source_(source), text_(text), place_(place) {}
  ~SourceRollout() override {
    if (mark_) go_back();
  }
  SourceRollout(const SourceRollout&) = delete;
  SourceRollout& operator=(const SourceRollout&) = delete;

  int64_t most() const override { return source_.options_.most_tried; }
  void restart(int64_t continuations) override {
    if (mark_)
      go_back();
    else
      mark_ = source_.state_.mark(), seen_ = source_.seen_;
    source_.keep(std::vector<int64_t>(static_cast<size_t>(continuations), place_));
    tried_.assign(static_cast<size_t>(continuations), text_);
  }
  std::vector<std::vector<double>> after(std::span<const int32_t> tokens) override {
    TokenSource::Texts texts;
    for (size_t i = 0; i < tokens.size(); ++i) {
      tried_[i].push_back(tokens[i]);
      texts.push_back(&tried_[i]);
    }
    const at::Tensor logits_NV = source_.after(texts, std::ssize(tried_.front()));
    std::vector<std::vector<double>> logits;
    const int64_t vocabulary = logits_NV.size(1);
    for (int64_t row = 0; row < logits_NV.size(0); ++row) {
      const double* from = logits_NV.const_data_ptr<double>() + row * vocabulary;
      logits.emplace_back(from, from + vocabulary);
    }
    return logits;
  }

 private:
  void go_back() {
    source_.state_.return_to(*mark_);
    source_.seen_ = seen_;
  }

  TokenSource& source_;
  const std::vector<int32_t>& text_;
  int64_t place_;
  std::optional<SequenceState::Mark> mark_;  // where it began to try
  int64_t seen_ = 0;
  std::vector<std::vector<int32_t>> tried_;
};

std::unique_ptr<Rollout> TokenSource::rollout(const std::vector<int32_t>& text, int64_t place) {
  return std::make_unique<SourceRollout>(*this, text, place);
}

}  // namespace subband
