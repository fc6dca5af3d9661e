#include "models/wavelet/waveletlm_names.h"

#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "core/text.h"

namespace subband {

namespace {

using Path = std::vector<std::string>;

/// `*` stands for one word of a dotted name, a last `**` for all that follow; both sides have the same of them.
struct Rule {
  const char* ours;
  const char* theirs;
};

constexpr Rule kNet[] = {{"embedding.**", "token_embedding.**"},
                         {"norm.**", "final_ln.**"},
                         {"head.**", "lm_head.**"},
                         {"gates.*.weight", "cross_cell_gates.*.proj.weight"}};

// In the order in which the original registers them: what is the block's own, then what stands in modules.
constexpr Rule kBlock[] = {{"bypass.gains", "history_gains"},
                           {"scale_mixer.routing", "scale_routing"},
                           {"scale_mixer.phase_gains", "phase_gains"},
                           {"scale_gains", "scale_weights"},
                           {"embedding_gain", "embedding_residual_gamma"},
                           {"spectral_gain", "residual_alpha_spectral"},
                           {"channel_gain", "residual_alpha_mlp"},
                           {"channel_gains.product_key_memory", "alpha_pkm"},
                           {"channel_gains.fast_weight_memory", "alpha_fwpkm"},
                           {"lifting.**", "lifting_wavelet.**"},
                           {"reconstruction.**", "lifting_reconstruct_wavelet.**"},
                           {"transform.**", "transform.**"},
                           {"bypass.mix.**", "cross_layer_mix.**"},
                           {"bypass.gate.**", "ema_gate.**"},
                           {"scale_mixer.scales.**", "scale_mixers.**"},
                           {"scale_mixer.stages.*.scales.**", "scale_mixers_by_depth.*.**"},
                           {"scale_mixer.stages.*.norms.**", "mixer_depth_norms.*.**"},
                           {"scale_mixer.stages.*.beta", "mixer_depth_betas.*"},
                           {"scale_mixer.stages.*.alpha", "mixer_depth_alphas.*"},
                           {"coefficient_norms.**", "coefficient_norms.**"},
                           {"synthesis_norms.**", "synthesis_norms.**"},
                           {"mixer_norm.**", "ln1.**"},
                           {"channel_norm.**", "ln2.**"},
                           {"out.**", "proj_out.**"},
                           {"channel_mixers.product_key_memory.**", "pkm.**"},
                           {"channel_mixers.fast_weight_memory.**", "fwpkm.**"},
                           {"channel_mixers.mlp.**", "ffwd.**"},
                           {"channel_mixers.*.**", "*.**"}};
constexpr int64_t kGains = 7;    // place of the first gain of a channel mixer; they keep their order
constexpr int64_t kMixers = 24;  // and of the first channel mixer

constexpr Rule kLifting[] = {{"dilation.logits", "dilation_logits"},
                             {"weights", "basis_weights"},
                             {"predict.*.first.**", "predict_nets.*.0.**"},
                             {"predict.*.last.**", "predict_nets.*.3.**"},
                             {"predict.*.only.**", "predict_nets.*.**"},
                             {"update.*.first.**", "update_nets.*.0.**"},
                             {"update.*.last.**", "update_nets.*.3.**"},
                             {"update.*.only.**", "update_nets.*.**"},
                             {"bases.*.**", "wavelets.*.**"}};

enum class Way { from_ours, from_theirs };

// What the wildcards of `pattern` stand for in `words`, or nothing.
std::optional<std::vector<Path>> matched(const char* pattern, const Path& words) {
  const Path wanted = split(pattern, '.');
  std::vector<Path> taken;
  size_t at = 0;
  for (const std::string& word : wanted) {
    if (at >= words.size()) return {};
    if (word == "**") {
      taken.emplace_back(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
      return taken;
    }
    if (word == "*")
      taken.push_back({words[at]});
    else if (word != words[at])
      return {};
    ++at;
  }
  if (at != words.size()) return {};
  return taken;
}

Path filled(const char* pattern, const std::vector<Path>& taken) {
  Path words;
  size_t next = 0;
  for (const std::string& word : split(pattern, '.')) {
    if (word == "*" || word == "**")
      words.insert(words.end(), taken[next].begin(), taken[next].end()), ++next;
    else
      words.push_back(word);
  }
  return words;
}

template <size_t N>
std::optional<Path> renamed(const Rule (&rules)[N], const Path& words, Way way) {
  for (const Rule& rule : rules) {
    const bool ours = way == Way::from_ours;
    if (const auto taken = matched(ours ? rule.ours : rule.theirs, words))
      return filled(ours ? rule.theirs : rule.ours, *taken);
  }
  return {};
}

Path tail(const Path& words, size_t from) {
  return from < words.size() ? Path(words.begin() + static_cast<std::ptrdiff_t>(from), words.end()) : Path();
}

Path joined(Path head, const Path& rest) {
  head.insert(head.end(), rest.begin(), rest.end());
  return head;
}

// Below `lifting` or `lifting_wavelet`; several bases hold the same once more each.
Path renamed_lifting(const Path& words, Way way) {
  const auto direct = renamed(kLifting, words, way);
  if (!direct) return words;
  const bool is_basis = (*direct)[0] == "bases" || (*direct)[0] == "wavelets";
  return is_basis ? joined({(*direct)[0], (*direct)[1]}, renamed_lifting(tail(*direct, 2), way)) : *direct;
}

bool is_lifting(const std::string& word) {
  return word == "lifting" || word == "reconstruction" || word == "lifting_wavelet" ||
         word == "lifting_reconstruct_wavelet";
}

// Below a block or a mixer.
std::optional<Path> renamed_part(const Path& words, Way way) {
  constexpr std::string_view kAlpha = "alpha_";
  if (way == Way::from_ours && words.size() == 2 && words[0] == "channel_gains" &&
      !renamed(kBlock, words, way))
    return Path{std::string(kAlpha) + words[1]};
  if (way == Way::from_theirs && words.size() == 1 && words[0].starts_with(kAlpha) &&
      !renamed(kBlock, words, way))
    return Path{"channel_gains", words[0].substr(kAlpha.size())};
  const auto part = renamed(kBlock, words, way);
  if (!part || !is_lifting((*part)[0])) return part;
  return joined({(*part)[0]}, renamed_lifting(tail(*part, 1), way));
}

std::string renamed_net(const std::string& name, Way way) {
  const Path words = split(name, '.');
  const std::string blocks = way == Way::from_ours ? "blocks" : "layers";
  const std::string other = way == Way::from_ours ? "layers" : "blocks";
  const bool in_cell = words.size() > 2 && words[0] == "cells";
  const Path cell = in_cell ? Path{words[0], words[1]} : Path();
  const Path rest = tail(words, cell.size());
  if (rest.size() > 2 && rest[0] == blocks) {
    const auto part = renamed_part(tail(rest, 2), way);
    if (!part) return name;
    return join(joined(joined(cell, {other, rest[1]}), *part), ".");
  }
  const auto net = renamed(kNet, rest, way);
  return net ? join(joined(cell, *net), ".") : name;
}

// How many words stand before the parts of a block of WaveletLM, or of a mixer `wavelet`; 0: this is none.
size_t words_of_owner(const Path& words) {
  size_t owner = 0;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "mixer" || (i > 0 && (words[i - 1] == "blocks" || words[i - 1] == "bands")))
      owner = i + 1;
    if (words[i].starts_with("scale_mixer")) break;  // the mixers inside are another matter
  }
  return owner;
}

}  // namespace

std::string name_in_waveletlm(const std::string& ours) { return renamed_net(ours, Way::from_ours); }

std::string name_from_waveletlm(const std::string& theirs) { return renamed_net(theirs, Way::from_theirs); }

std::string former_name_from_mixer(const std::string& former) {
  const Path words = split(former, '.');
  const size_t owner = words_of_owner(words);
  // In a mixer stand the parts that are no channel mixers; those have no words of theirs.
  const bool in_mixer = owner > 0 && (words[owner - 1] == "mixer" || words[owner - 2] == "bands");
  if (!in_mixer) return former;
  const Path rest = tail(words, owner);
  const auto part = renamed_part(rest, Way::from_theirs);
  if (!part || (*part)[0] == "channel_mixers" || (*part)[0] == "channel_gains") return former;
  Path head(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(owner));
  return join(joined(head, *part), ".");
}

std::pair<std::string, int64_t> place_in_waveletlm(const std::string& ours) {
  const Path words = split(ours, '.');
  const size_t owner = words_of_owner(words);
  const Path rest = tail(words, owner);
  int64_t place = static_cast<int64_t>(std::size(kBlock));
  for (size_t i = 0; owner > 0 && i < std::size(kBlock); ++i)
    if (matched(kBlock[i].ours, rest)) {
      place = static_cast<int64_t>(i);
      break;
    }
  if (!rest.empty() && rest[0] == "channel_gains") place = kGains;
  if (!rest.empty() && rest[0] == "channel_mixers") place = kMixers;
  return {join(Path(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(owner)), "."), place};
}

}  // namespace subband
