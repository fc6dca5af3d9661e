#include "experiments/training/dry_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <array>
#include <cmath>

#include "core/tensors/device.h"
#include "core/tensors/meta_operators.h"
#include "core/tensors/random.h"

namespace subband {

namespace {

[[noreturn]] void refuse_recipe(const Recipe& recipe, const std::string& message) {
  throw ConfigError(recipe.name, "a first step fails: " + message, "bad_value");
}

// On the meta device only shapes are computed: no memory, no values, and so none that could be not finite.
void take_step(Net& net, const Recipe& recipe, at::Device device) {
  const std::shared_ptr<Task> task = make_task(recipe);
  Batch batch = task->example();
  batch.inputs_BL = batch.inputs_BL.to(device);
  batch.targets_BL = batch.targets_BL.to(device);
  net.train();
  net.zero_grad();
  net.set_generator(stream(static_cast<uint64_t>(recipe.seed), "check"));
  const at::Tensor loss = task->loss(net, batch);
  if (!loss.is_meta() && !std::isfinite(loss.item<double>())) refuse_recipe(recipe, "the loss is not finite");
  loss.backward();
  if (loss.is_meta()) return;
  for (const auto& parameter : net.named_parameters()) {
    const at::Tensor& gradient = parameter.value().grad();
    if (gradient.defined() && !at::isfinite(gradient).all().item<bool>())
      refuse_recipe(recipe, "the gradient of " + parameter.key() + " is not finite");
  }
}

// One line for each problem; those of the recipe itself without its name.
std::string lines_about(const Recipe& recipe, const Error& error) {
  std::string lines;
  for (const Problem& problem : error.problems())
    lines += (lines.empty() ? "" : "\n") + (problem.place == recipe.name ? problem.message : problem.line());
  return lines;
}

std::string read_all(int from) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(from, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<size_t>(size));
  return text;
}

}  // namespace

bool check_recipe(const Recipe& recipe, int64_t most_parameters) {
  try {
    open_device(recipe.trainer.device);
    const MetaOperators operators;
    const std::shared_ptr<Net> shapes = make_meta_net(recipe);
    const bool has_weights = parameter_count(*shapes) <= most_parameters;
    take_step(has_weights ? *make_net(recipe) : *shapes, recipe, has_weights ? at::kCPU : at::kMeta);
    return has_weights;
  } catch (const ConfigError&) {
    throw;
  } catch (const Error& error) {
    refuse_recipe(recipe, error.first().line());
  } catch (const std::exception& error) {  // LibTorch's own; its first line says what
    const std::string text = error.what();
    refuse_recipe(recipe, text.substr(0, text.find('\n')));
  }
}

std::optional<Problem> check_recipe_apart(const Recipe& recipe, int64_t most_parameters) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw Error(recipe.name, "no pipe for its check");
  const pid_t child = ::fork();
  if (child < 0) throw Error(recipe.name, "no process for its check");
  if (child == 0) {
    ::close(ends[0]);
    at::set_num_threads(1);  // a pool that the parent has does not live here
    std::string message;
    try {
      check_recipe(recipe, most_parameters);
    } catch (const Error& error) {
      message = lines_about(recipe, error);
    } catch (const std::exception& error) {
      message = error.what();
    }
    ssize_t written = ::write(ends[1], message.data(), message.size());
    ::_exit(message.empty() && written == 0 ? 0 : 2);
  }
  ::close(ends[1]);
  std::string message = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  if (message.empty())
    message = "a first step fails: its process died by signal " + std::to_string(WTERMSIG(status));
  return Problem{recipe.name, message, "bad_value"};
}

}  // namespace subband
