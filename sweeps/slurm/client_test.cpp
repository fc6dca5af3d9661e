#include "sweeps/slurm/client.h"

#include "core/testing/catch.h"

namespace subband::slurm_client_test {

using slurm::ElementState;

TEST_CASE("every state of Slurm means waiting, running or ended; a new one is not submitted again",
          "[slurm]") {
  for (const char* word : {"PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"})
    CHECK(slurm::state_of(word) == ElementState::waiting);
  for (const char* word :
       {"RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "LEVITATING"})
    CHECK(slurm::state_of(word) == ElementState::running);
  for (const char* word :
       {"COMPLETED", "FAILED", "TIMEOUT", "NODE_FAIL", "CANCELLED", "OUT_OF_MEMORY", "PREEMPTED"})
    CHECK(slurm::state_of(word) == ElementState::ended);
}

TEST_CASE("of all jobs those of one sweep are read, element by element", "[slurm]") {
  const std::string text =
      "12|0|13|RUNNING|None|subband:ab:1:0\n"
      "12|1|12|PENDING|Resources|subband:ab:1:0\n"
      "9|N/A|9|RUNNING|None|(null)\n"
      "12|N/A|12|CANCELLED|None|subband:ab:1:0\n"
      "14|2|14|COMPLETED|None|subband:cd:1:0\n"
      "broken\n";
  const auto found = slurm::parse_elements(text, "subband:ab:");
  REQUIRE(found.size() == 3);
  CHECK(found[0].index == 0);
  CHECK(found[1].state == "PENDING");
  CHECK(found[1].reason == "Resources");
  CHECK(found[1].array == "12");
  CHECK(found[2].index == -1);
}

}  // namespace subband::slurm_client_test
