// What a parameter is for. Initialisation, weight decay, optimiser groups, the quantiser's tiers and the parameter table
// read it; nobody reads a position or a name.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace subband {

enum class Role {
  input_projection,   ///< from the residual stream, or from another part's output, into a part
  hidden_projection,  ///< between projections of the same part
  gate,               ///< how much of something passes
  router,             ///< what goes where: mixtures of scales, distances, bases
  decay,              ///< how fast a state fades
  residual_output,    ///< what a part adds to the residual stream
  embedding,          ///< vectors of ids, of positions, of a whole sequence
  head,               ///< from the residual stream to logits
  norm,               ///< gain of a normalisation
  bias,               ///< added to what a projection, a norm or a filter gives
  gain,               ///< other factors: of paths, scales, kernels
  filter,             ///< taps or angles of convolutions, wavelets and transforms
  compression,        ///< sums over positions
  lifting,            ///< predict and update steps of a wavelet
  mixing,             ///< the coefficients of one scale to themselves
  low_rank,           ///< factors of a path beside a mixing
  memory_key,         ///< what a query of a memory is compared with
  memory_value,       ///< what a memory answers
};

/// Spelled as in YAML.
const std::vector<std::string>& role_names();
const std::string& name_of(Role role);
std::optional<Role> role_named(std::string_view name);

/// Whether the net draws initial weights of a projection with this role. The others start as their part says.
bool is_drawn_by_net(Role role);

/// What a module says of a parameter when it registers it.
struct Purpose {
  Role role = Role::input_projection;
  bool own_start = false;        ///< the part declares the initial weights its own, whatever the role
  std::optional<int64_t> scale;  ///< of a wavelet, 0 the approximation, where the parameter belongs to one

  bool is_drawn_by_net() const { return !own_start && subband::is_drawn_by_net(role); }
};

}  // namespace subband
