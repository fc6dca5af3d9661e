#include "sweeps/slurm/settings.h"

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace subband::slurm {

void Settings::bind(Binder& b) {
  b.field("jobs", jobs, {0, 100000},
          "elements of the job arrays that run at once; 0: as many as Slurm starts");
  b.field("account", account, "who pays; empty: Slurm's default");
  b.field("partition", partition, "where; empty: Slurm's default");
  b.field("qos", qos, "quality of service; empty: Slurm's default");
  b.field("constraint", constraint, "features that a node must have; empty: none");
  b.field("prologue", prologue, "lines of the script before the program: modules, a container's set-up");
  b.field("options", options, "further options of sbatch, as they are: --reservation=x");
  b.field("memory_mib", memory_mib, {1, 1e9}, "of a cell; otherwise the prediction times memory_factor");
  b.field("minutes", minutes, {1, 1e6}, "time limit of a cell; otherwise the prediction times time_factor");
  b.field("memory_factor", memory_factor, {1, 100}, "head room above the predicted memory");
  b.field("time_factor", time_factor, {1, 100}, "head room above the predicted time");
  b.field("warning_s", warning_s, {5, 65535},
          "before its time limit a cell writes a checkpoint and asks to go on");
  b.field("retries", retries, {0, 1000},
          "of a cell that crashed or was lost; each goes on from its checkpoint");
  b.field("lease_s", lease_s, {1, 86400},
          "seconds after which a job that gives no sign of life counts as gone");
  b.field("poll_s", poll_s, {0.1, 3600}, "seconds between looks at Slurm and the store, where this waits");
  b.field("wait", wait, "stay until all is done; otherwise submit and leave");
}

std::vector<std::string> resource_options(const Settings& settings, const TaskNeeds& needs) {
  std::vector<std::string> words = {"--ntasks=1", "--cpus-per-task=" + std::to_string(needs.threads)};
  constexpr double kProgramMib = 512, kStep = 256;
  const auto whole = [](double value) { return std::to_string(static_cast<int64_t>(std::ceil(value))); };
  if (settings.memory_mib)
    words.push_back("--mem=" + std::to_string(*settings.memory_mib) + "M");
  else if (needs.memory_mib &&
           needs.devices == 0)  // rounded, so that cells of about the same size make one array
    words.push_back(
        "--mem=" +
        whole(kStep * std::ceil((kProgramMib + settings.memory_factor * *needs.memory_mib) / kStep)) + "M");
  if (settings.minutes) {
    words.push_back("--time=" + std::to_string(*settings.minutes));
  } else if (needs.seconds) {
    const double minutes = 5 + settings.time_factor * *needs.seconds / 60;
    words.push_back("--time=" + whole(std::exp2(std::ceil(2 * std::log2(minutes)) / 2)));
  }
  if (needs.devices > 0) words.push_back("--gres=gpu:" + std::to_string(needs.devices));
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.push_back(std::string(option) + value);
  };
  add("--account=", settings.account);
  add("--partition=", settings.partition);
  add("--qos=", settings.qos);
  add("--constraint=", settings.constraint);
  words.insert(words.end(), settings.options.begin(), settings.options.end());
  return words;
}

std::string shell_word(const std::string& word) {
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + "'";
}

// What the element of a wave does that ends last. One that was cancelled while it waited says no word, and Slurm keeps no trace
// of it.
static constexpr const char* kEndOfWave = R"sh(mkdir -p "$tasks.ended" && echo "$code" >"$tasks.ended/$number"
is_awaited() {
  [ -e "$tasks.submitted" ] || return 0
  local jobs index theirs
  jobs=$(squeue --me -h -r -o '%K %k') || return 0
  while read -r index theirs; do
    case $index in '' | *[!0-9]*) continue ;; esac
    case $theirs in "$comment"*) [ -e "$tasks.ended/$((index + ${theirs##*:}))" ] || return 0 ;; esac
  done <<<"$jobs"
  return 1
}
ended() { ls "$tasks.ended" | wc -l; }
if [ "$(ended)" -ge "$total" ] || ! is_awaited; then
  cut=$((total - $(ended) + $(grep -rlx 130 "$tasks.ended" | wc -l)))
  if [ "$cut" -gt 0 ]; then
    echo "Slurm: $cut of $total jobs of the last wave were cancelled" >"${tasks%/slurm/*}/waiting.txt"
  elif (set -C; : >"$tasks.next") 2>/dev/null; then
    "$bundle/subband" "${again[@]}" --quiet || echo "the sweep waits: the same command goes on" >&2
  fi
fi
)sh";

std::string array_script(const Settings& settings, const ScriptPlace& place) {
  std::string text = "#!/bin/bash\n";
  for (const std::string& line : settings.prologue) text += line + "\n";
  const auto set = [&](const char* name, const std::string& value) {
    text += name + ("=" + shell_word(value)) + "\n";
  };
  set("bundle", place.bundle);
  set("store", place.store);
  set("tasks", place.tasks);
  text += "number=$((SLURM_ARRAY_TASK_ID + " + std::to_string(place.offset) + "))\n";
  text += "lease=" + number_text(settings.lease_s) + "\n";
  text += "retries=" + std::to_string(settings.retries) + "\n";
  text += R"sh(export SUBBAND_ROOT=$bundle/root
IFS=$'\t' read -r task until < <(sed -n "$((number + 1))p" "$tasks")
child= asked= stopped=
trap 'asked=1; [ -n "$child" ] && kill -USR1 "$child"' USR1
trap 'stopped=1; [ -n "$child" ] && kill -TERM "$child"' TERM
for ((attempt = 0; ; attempt++)); do
  "$bundle/subband" cell "$task" --store "$store" --bundle "$bundle" --lease "$lease" --quiet \
    --log "${tasks%.tasks}-${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID.log" \
    ${until:+--until "$until"} &
  child=$!
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  wait "$child"; code=$?
  child=
  [ "$code" -gt 4 ] && [ -n "$stopped" ] && code=130
  [ "$code" = 130 ] && [ -n "$asked" ] && exec scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  [ "$code" -gt 4 ] && [ "$code" != 130 ] && [ "$attempt" -lt "$retries" ] || break
done
)sh";
  if (place.again.empty()) return text + "exit $code\n";
  text += "total=" + std::to_string(place.elements) + "\nagain=(";
  for (const std::string& word : place.again) text += shell_word(word) + " ";
  text += ")\n";
  set("comment", place.comment);
  return text + kEndOfWave + "exit $code\n";
}

}  // namespace subband::slurm
