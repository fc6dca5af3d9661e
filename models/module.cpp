#include "models/module.h"

#include <set>
#include <stdexcept>

namespace subband {

at::Tensor Module::add_parameter(const std::string& name, const at::Tensor& initial, const Purpose& purpose) {
  purposes_[name] = purpose;
  return register_parameter(name, initial);
}

std::vector<Parameter> parameters_of(const torch::nn::Module& root) {
  std::vector<Parameter> all;
  std::set<const void*> seen;
  root.apply([&](const std::string& path, const torch::nn::Module& module) {
    const auto* own = dynamic_cast<const Module*>(&module);
    for (const auto& item : module.named_parameters(/*recurse=*/false)) {
      const std::string name = path.empty() ? item.key() : path + "." + item.key();
      if (own == nullptr || !own->purposes().contains(item.key()))
        throw std::logic_error("module: parameter '" + name + "' was registered without a purpose");
      if (!seen.insert(item.value().unsafeGetTensorImpl()).second) continue;
      all.push_back({name, item.value(), own->purposes().at(item.key())});
    }
  });
  return all;
}

}  // namespace subband
