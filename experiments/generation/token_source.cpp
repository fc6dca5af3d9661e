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

  void restart() override {
    if (mark_)
      go_back();
    else
      mark_ = source_.state_.mark(), seen_ = source_.seen_;
    source_.keep({place_});
    tried_ = text_;
  }
  std::vector<double> after(int32_t token) override {
    tried_.push_back(token);
    const at::Tensor logits = source_.after({&tried_}, std::ssize(tried_));
    const double* from = logits.const_data_ptr<double>();
    return {from, from + logits.numel()};
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
  std::vector<int32_t> tried_;
};

std::unique_ptr<Rollout> TokenSource::rollout(const std::vector<int32_t>& text, int64_t place) {
  return std::make_unique<SourceRollout>(*this, text, place);
}

}  // namespace subband
