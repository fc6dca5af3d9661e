#include "sweeps/scheduling/slots.h"

#include "core/testing/catch.h"

namespace subband::slots_test {

TEST_CASE("small runs share a device as long as their predicted memory fits", "[slots]") {
  SlotTable table({{"0", 1000}, {"1", 1000}});
  const SlotNeeds small{.devices = 1, .device_mib = 400};
  std::vector<SlotPlace> places;
  while (const auto place = table.take(small)) places.push_back(*place);
  REQUIRE(places.size() == 4);  // 940 MiB of each: two and two
  CHECK(places[0].visible == "0");
  CHECK(places[1].visible == "1");
  CHECK(places[2].visible == "0");
  CHECK(places[3].visible == "1");
  table.give_back(places[1]);
  CHECK(table.take(small)->visible == "1");
  CHECK_FALSE(table.take(small));
}

TEST_CASE("a run of unknown memory gets a device for itself, and one of several waits for all", "[slots]") {
  SlotTable table({{"GPU-a", 500}, {"GPU-b", 500}});
  const auto alone = table.take({.devices = 1});
  REQUIRE(alone);
  CHECK(alone->visible == "GPU-a");
  CHECK(table.take({.devices = 1, .device_mib = 10})->visible == "GPU-b");
  CHECK_FALSE(table.take({.devices = 2, .device_mib = 10}));
  table.give_back(*alone);
  CHECK(table.take({.devices = 2, .device_mib = 10})->visible == "GPU-a,GPU-b");
}

TEST_CASE("more devices than there are is never met; none always", "[slots]") {
  SlotTable table({{"0", 500}});
  CHECK_FALSE(table.can_ever({.devices = 2}));
  CHECK(table.can_ever({.devices = 1, .device_mib = 9000}));
  CHECK(table.take({.devices = 0})->visible.empty());
}

TEST_CASE("cells of several threads run together as far as the processors go", "[slots]") {
  SlotTable table({}, 4);
  const SlotNeeds pair{.threads = 2}, one{.threads = 1};
  const auto first = table.take(pair);
  REQUIRE(first);
  CHECK(table.take(one));
  CHECK_FALSE(table.take(pair));  // 5 of 4
  CHECK(table.take(one));
  CHECK_FALSE(table.take(one));
  table.give_back(*first);
  CHECK(table.take(pair));
}

TEST_CASE("a cell of more threads than there are runs alone, and cells of one thread are as many as one likes",
          "[slots]") {
  SlotTable table({}, 2);
  const auto large = table.take({.threads = 8});
  REQUIRE(large);
  CHECK_FALSE(table.take({.threads = 1}));
  table.give_back(*large);
  std::vector<SlotPlace> places;
  for (int i = 0; i < 5; ++i) places.push_back(table.take({.threads = 1}).value());
  CHECK_FALSE(table.take({.threads = 2}));
  for (const SlotPlace& place : places) table.give_back(place);
  CHECK(table.take({.threads = 2}));
}

TEST_CASE("a cell without room on a device takes no threads", "[slots]") {
  SlotTable table({{"0", 500}}, 2);
  const auto place = table.take({.threads = 1, .devices = 1});
  REQUIRE(place);
  CHECK_FALSE(table.take({.threads = 1, .devices = 1}));
  table.give_back(*place);
  CHECK(table.take({.threads = 2, .devices = 1}));
}

}  // namespace subband::slots_test
