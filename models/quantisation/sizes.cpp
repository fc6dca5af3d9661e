#include "models/quantisation/sizes.h"

#include <algorithm>

#include "models/layers/weight_matrix.h"
#include "models/module.h"

namespace subband {

namespace {

double packed_bytes(const PackedForm& form, Accounting accounting) {
  if (accounting == Accounting::honest) return static_cast<double>(form.bytes());
  return static_cast<double>(form.rows * form.columns + 4 * form.scale_rows() * form.groups());
}

class SizeSum {
 public:
  void add(const std::string& role, int64_t values, double dense_bytes, double bytes, int bits) {
    auto found = std::ranges::find(sum_.roles, role, &RoleSize::role);
    if (found == sum_.roles.end()) found = sum_.roles.insert(found, RoleSize{.role = role});
    ++found->tensors;
    found->values += values;
    found->bits.insert(bits);
    found->dense_bytes += dense_bytes, found->bytes += bytes;
    sum_.dense_bytes += dense_bytes, sum_.bytes += bytes;
  }
  NetSize done() {
    const auto place = [](const RoleSize& each) {
      const auto& names = role_names();
      return std::ranges::find(names, each.role) - names.begin();
    };
    std::ranges::stable_sort(sum_.roles, {}, place);
    return sum_;
  }

 private:
  NetSize sum_;
};

}  // namespace

NetSize net_size(const torch::nn::Module& net, const PackedForms& forms, Accounting accounting) {
  SizeSum sum;
  for (const Parameter& each : parameters_of(net)) {
    const double dense = 4 * static_cast<double>(each.value.numel());
    const auto form = forms.find(each.name);
    const bool is_packed = form != forms.end();
    sum.add(name_of(each.purpose.role), each.value.numel(), dense,
            is_packed ? packed_bytes(form->second, accounting) : dense, is_packed ? form->second.bits : 32);
  }
  for (const auto& [name, matrix] : weight_matrices(net)) {
    if (matrix->packed() == nullptr) continue;
    const PackedForm& form = matrix->packed()->form;
    const double dense = 4 * static_cast<double>(form.rows * form.columns);
    sum.add(name_of(matrix->purpose().role), form.rows * form.columns, dense, packed_bytes(form, accounting),
            form.bits);
  }
  for (const at::Tensor& buffer : net.buffers()) {
    const double bytes = 4 * static_cast<double>(buffer.numel());
    sum.add("buffers", buffer.numel(), accounting == Accounting::honest ? bytes : 0, bytes, 32);
  }
  return sum.done();
}

}  // namespace subband
