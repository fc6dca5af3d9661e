#include "experiments/quantisation/packing_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/languages/json.h"
#include "core/text.h"

namespace subband {

namespace {

constexpr double kMiB = 1 << 20;

std::string bits_text(const RoleSize& role) { return fmt::format("{}", fmt::join(role.bits, ", ")); }

}  // namespace

std::string size_text(const NetSize& size) {
  size_t width = 5, bits = 4;
  for (const RoleSize& each : size.roles) {
    width = std::max(width, each.role.size());
    bits = std::max(bits, bits_text(each).size());
  }
  std::string lines = fmt::format("{:<{}}  {:>7}  {:>15}  {:>{}}  {:>10}  {:>10}\n", "role", width, "tensors",
                                  "values", "bits", bits, "fp32 MiB", "MiB");
  RoleSize total{.role = "total"};
  for (const RoleSize& each : size.roles) {
    lines +=
        fmt::format("{:<{}}  {:>7}  {:>15}  {:>{}}  {:>10.3f}  {:>10.3f}\n", each.role, width, each.tensors,
                    grouped(each.values), bits_text(each), bits, each.dense_bytes / kMiB, each.bytes / kMiB);
    total.tensors += each.tensors, total.values += each.values;
  }
  return lines + fmt::format("{:<{}}  {:>7}  {:>15}  {:>{}}  {:>10.3f}  {:>10.3f}\n", total.role, width,
                             total.tensors, grouped(total.values), "", bits, size.dense_bytes / kMiB,
                             size.bytes / kMiB);
}

nlohmann::ordered_json size_json(const NetSize& size) {
  nlohmann::ordered_json roles = nlohmann::ordered_json::array();
  for (const RoleSize& each : size.roles)
    roles.push_back({{"role", each.role},
                     {"tensors", each.tensors},
                     {"values", each.values},
                     {"bits", each.bits},
                     {"dense_bytes", each.dense_bytes},
                     {"bytes", each.bytes}});
  return {{"dense_bytes", size.dense_bytes}, {"bytes", size.bytes}, {"roles", roles}};
}

std::string variants_text(const std::vector<PackedVariant>& variants) {
  size_t width = 6;
  for (const PackedVariant& each : variants) width = std::max(width, each.what.size());
  std::string lines =
      fmt::format("{:<{}}  {:>5}  {:>8}  {:<7}  {:>8}  {:>8}  {:>9}  {:>9}  {:>7}\n", "packed", width, "bits",
                  "group", "method", "MiB", "BPB", "more", "KL", "top-1");
  for (const PackedVariant& each : variants)
    lines += fmt::format("{:<{}}  {:>5}  {:>8}  {:<7}  {:>8.3f}  {:>8.4f}  {:>+9.4f}  {:>9.5f}  {:>6.2f}%\n",
                         each.what, width, each.bits, each.group, each.method, each.bytes / kMiB, each.bpb,
                         each.bpb - variants.front().bpb, each.measured.kl, 100 * each.measured.same_top);
  return lines;
}

nlohmann::ordered_json variants_json(const std::vector<PackedVariant>& variants) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const PackedVariant& each : variants)
    all.push_back({{"packed", each.what},
                   {"bits", each.bits},
                   {"group", each.group},
                   {"method", each.method},
                   {"bytes", each.bytes},
                   {"bpb", json_number(each.bpb)},
                   {"loss", json_number(each.measured.loss)},
                   {"kl", json_number(each.measured.kl)},
                   {"same_top", json_number(each.measured.same_top)},
                   {"tokens", each.measured.tokens}});
  return all;
}

}  // namespace subband
