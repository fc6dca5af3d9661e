#include "core/tensors/foreign_names.h"

#include <array>
#include <string_view>

namespace subband {

namespace {

constexpr std::string_view kCompiled = "_orig_mod.";
constexpr std::array<std::string_view, 12> kPrefixes = {
    "module.",     "model.",     "transformer.",    "base_model.",           "net.",   "network.",
    "state_dict.", "lm.",        "_forward_module.", "_fsdp_wrapped_module.", "backbone.", "student."};
constexpr size_t kMostComplaints = 40;

std::string plain_name(const std::string& name, const std::function<bool(const std::string&)>& is_known) {
  if (is_known(name)) return name;
  std::string plain = name;
  for (size_t at; (at = plain.find(kCompiled)) != std::string::npos;) plain.erase(at, kCompiled.size());
  for (bool found = true; found && !is_known(plain);) {
    found = false;
    for (const std::string_view prefix : kPrefixes) {
      if (!plain.starts_with(prefix)) continue;
      plain.erase(0, prefix.size());
      found = true;
      break;
    }
  }
  return is_known(plain) ? plain : name;
}

}  // namespace

PlainNames plain_names(const Tensors& theirs, const std::string& file,
                       const std::function<bool(const std::string&)>& is_known) {
  PlainNames plain;
  for (const auto& [name, tensor] : theirs) {
    const std::string short_name = plain_name(name, is_known);
    if (const auto [first, is_new] = plain.shown.emplace(short_name, name); !is_new)
      plain.problems.push_back({file,
                                "tensor '" + name + "': is " + short_name + " without its prefixes, and so is '" +
                                    first->second + "'; two names that become one",
                                "bad_value"});
    else
      plain.tensors.emplace(short_name, tensor);
  }
  return plain;
}

void throw_complaints(std::vector<Problem> problems, const std::string& file, const std::string& hint) {
  if (problems.empty()) return;
  const size_t count = problems.size();
  if (count > kMostComplaints) problems.resize(kMostComplaints);
  std::string last = count > kMostComplaints ? std::to_string(count - kMostComplaints) + " more complaints" : "";
  if (!hint.empty()) last += (last.empty() ? "" : "; ") + hint;
  if (!last.empty()) problems.push_back({file, last, "bad_value"});
  throw Error(std::move(problems));
}

}  // namespace subband
