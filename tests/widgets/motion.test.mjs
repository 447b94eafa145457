import assert from "node:assert/strict";
import test from "node:test";

const { Clock, Lane, Published, Strip, numbers, scaleTop } = await import(process.env.MODULE);

const rows = (...all) => Float64Array.from(all.flat());
const message = (seq, published, sent, received) => [seq, published, sent, received];
const UP = 0, NOTHING = 1, LOST_UP = 2, LOST_DOWN = 3, CUT = 4;
const flights = (which, now) => {
  const seen = [];
  which.each(now, (place, tail, count) => seen.push({ place, tail, count }));
  return seen;
};

// ── the clock ──

test("the quickest message tells what the lab's clock says", () => {
  const clock = new Clock(300);
  assert.equal(clock.time(0), null);
  clock.hear(1000, 5060);
  clock.hear(1100, 5120); // 40 ms quicker
  clock.hear(1200, 5290);
  assert.equal(clock.time(5300), 5300 - 4020 - 300);
});

test("the drawing never goes back, and a longer delay comes gently", () => {
  const clock = new Clock(300);
  clock.hear(0, 0);
  let last = clock.time(1000);
  clock.wanted = 800;
  for (let page = 1016; page < 4000; page += 16) {
    const now = clock.time(page);
    assert.ok(now > last && now - last >= 16 * 0.74 && now - last <= 16 * 1.26);
    last = now;
  }
  assert.equal(clock.behind, 800);
  clock.wanted = 300;
  for (let page = 4000; page < 8000; page += 16) clock.time(page);
  assert.equal(clock.time(8000), 7700);
});

test("a quick message of long ago counts no more, and the drawing waits instead of going back", () => {
  const clock = new Clock(300);
  clock.hear(0, 0);
  const drawn = clock.time(1000);
  for (let n = 1; n <= 50; n++) clock.hear(n * 100, n * 100 + 200); // the way got longer
  assert.equal(clock.offset, 200);
  assert.equal(clock.time(1010), drawn);
  assert.equal(clock.time(2000), 2000 - 200 - 300);
});

test("a page that slept for minutes is at once where it should be", () => {
  const clock = new Clock(300);
  clock.hear(0, 0);
  clock.time(0);
  clock.hear(600_000, 600_050);
  assert.equal(clock.time(600_050), 600_050 - 300);
});

// ── what waits, travels and arrives ──

test("a message waits at the server, crosses in the time that it took, and arrives", () => {
  const lane = new Lane();
  lane.add(rows(message(1, 1000, 1500, 1580)), 900);
  lane.advance(1200);
  assert.equal(lane.waiting(1), 1);
  assert.deepEqual(flights(lane.messages, 1200), []);
  lane.advance(1520);
  assert.equal(lane.waiting(1), 0);
  assert.equal(flights(lane.messages, 1520)[0].place, 0.25);
  assert.equal(lane.strip.median(1520), null);
  lane.advance(1580);
  assert.equal(lane.strip.median(1580), 580);
  lane.advance(2000);
  assert.deepEqual(flights(lane.messages, 2000), []);
  assert.equal(lane.messages.ends.length, 0);
});

test("what is known too late to be seen leaving leaves now, and arrives in time", () => {
  const lane = new Lane();
  lane.add(rows(message(1, 1000, 1010, 4000)), 3900);
  lane.advance(3950);
  assert.equal(flights(lane.messages, 3950)[0].place, 0.5);
  lane.add(rows(message(2, 1000, 1010, 3000)), 3960); // over already
  lane.advance(4000);
  assert.equal(lane.waiting(2), 0);
  assert.equal(lane.messages.begins.every((begin, at) => begin <= lane.messages.ends[at]), true);
});

test("messages that come in one answer travel as one, with their number", () => {
  const lane = new Lane();
  lane.add(rows(message(1, 0, 900, 980), message(2, 500, 900, 980), message(3, 950, 950, 1030)), 0);
  assert.deepEqual(flights(lane.messages, 960).map(({ count }) => count), [2, 1]);
  assert.equal(lane.messages.groups(), 2);
});

test("lost messages wait no more once a later one has left", () => {
  const lane = new Lane(10);
  assert.equal(lane.waiting(10), 0);
  assert.equal(lane.waiting(100), 90);
  lane.add(rows(message(100, 500, 510, 590)), 0);
  lane.advance(520);
  assert.equal(lane.waiting(100), 0);
});

test("what crosses in no time leaves a tail over the whole way, for a moment", () => {
  const lane = new Lane();
  lane.add(rows(message(1, 1000, 1000.1, 1000.2)), 0);
  const [{ place, tail }] = flights(lane.messages, 1010);
  assert.deepEqual([place, tail], [1, 0]);
  lane.advance(1070);
  assert.deepEqual(flights(lane.messages, 1070), []);
});

test("many are counted by column; those on their way are each in one", () => {
  const lane = new Lane();
  const all = Array.from({ length: 1000 }, (_, n) => message(n, n, n, n + 500));
  lane.add(rows(...all), 0);
  const counts = lane.messages.density(999.5, 100);
  assert.equal(counts.length, 100);
  assert.equal(counts.reduce((a, b) => a + b), 500);
  assert.ok(Math.max(...counts) <= 6 && Math.min(...counts) >= 4);
});

test("many that cross in no time are all along the way", () => {
  const lane = new Lane();
  lane.add(rows(...Array.from({ length: 100 }, (_, n) => message(n, n, n, n + 0.1))), 0);
  const counts = lane.messages.density(99.5, 50);
  assert.ok(counts.every((count) => count === counts[0] && count > 50));
});

test("a lane holds nothing of what is over, however much there was", () => {
  const lane = new Lane();
  for (let second = 0; second < 60; second++) {
    const now = second * 1000;
    const all = Array.from({ length: 1000 }, (_, n) => message(now + n, now + n, now + n, now + n + 80));
    lane.add(rows(...all), now);
    lane.addCrossings(rows(...all.map(([, at]) => [UP, at, at + 80])), now, 80);
    lane.advance(now + 1080);
    lane.strip.median(now + 1080);
  }
  for (const list of [lane.seqs, lane.published, lane.messages.ends, lane.up.ends]) {
    assert.ok(list.length < 200);
  }
  assert.ok(lane.strip.latencies.length <= 2000);
});

test("requests go up and empty answers come down, each on its own", () => {
  const lane = new Lane();
  lane.addCrossings(rows([UP, 100, 180], [NOTHING, 181, 261]), 0, 80);
  assert.equal(flights(lane.up, 140)[0].place, 0.5);
  assert.deepEqual(flights(lane.nothing, 140), []);
  assert.equal(flights(lane.nothing, 221)[0].place, 0.5);
  assert.deepEqual(flights(lane.messages, 140), []);
});

test("a cut takes what is on the way where it is, and is forgotten after a while", () => {
  const lane = new Lane();
  lane.addCrossings(rows([CUT, 150, 150], [LOST_UP, 100, 150], [LOST_DOWN, 130, 150]), 0, 100);
  const seen = (now) => {
    const found = [];
    lane.eachBroken(now, (kind, place, age) => found.push([kind, place, age]));
    return found;
  };
  assert.deepEqual(seen(120), [[LOST_UP, 0.2, -30]]);
  assert.deepEqual(seen(200), [[CUT, 0, 50], [LOST_UP, 0.5, 50], [LOST_DOWN, 0.2, 50]]);
  lane.advance(2000);
  assert.deepEqual(seen(2000), []);
});

// ── the strip, the rate, the scale ──

test("the strip shows the span of what was published together, for 15 s", () => {
  const strip = new Strip();
  for (const [published, arrived] of [[1000, 1100], [1010, 1400], [1040, 1090], [2000, 2080]]) {
    strip.add(published, arrived);
  }
  const seen = [];
  strip.each(3000, (age, low, high) => seen.push([age, low, high]));
  assert.deepEqual(seen.sort((a, b) => b[0] - a[0]), [[1975, 50, 390], [975, 80, 80]]);
  assert.equal(strip.top(3000), 390);
  assert.equal(strip.top(60_000), 0);
  strip.add(16_010, 16_100); // the slot of 1000 again
  strip.add(1020, 16_200); // out of the picture by now
  assert.equal(strip.top(16_200), 90);
});

test("the median is that of the last ten seconds", () => {
  const strip = new Strip();
  assert.equal(strip.median(0), null);
  [100, 300, 200, 400].forEach((latency, n) => strip.add(n, n + latency));
  assert.equal(strip.median(500), 250);
  strip.add(20_000, 20_070);
  assert.equal(strip.median(20_100), 70);
  assert.equal(strip.median(40_000), null);
});

test("the newest message and the rate are those of the moment that is drawn", () => {
  const published = new Published();
  published.add(rows(...Array.from({ length: 100 }, (_, n) => [n + 1, n * 100])));
  published.advance(4950);
  assert.equal(published.newest, 50);
  assert.equal(published.rate, 10);
  published.advance(60_000);
  assert.equal(published.newest, 100);
  assert.equal(published.rate, 0);
  assert.equal(published.times.length, 0);
});

test("the scale has room for everything and not too much of it", () => {
  for (const value of [0.3, 9, 10, 11, 81, 149, 1001, 1499, 9999, 123_456]) {
    assert.ok(scaleTop(value) >= value);
    assert.ok(scaleTop(value) <= Math.max(10, value * 2));
  }
});

test("numbers are read wherever they begin in a message", () => {
  const bytes = new Uint8Array(3 + 16);
  bytes.set(new Uint8Array(Float64Array.of(1.5, -2).buffer), 3);
  assert.deepEqual([...numbers(new DataView(bytes.buffer, 3, 16))], [1.5, -2]);
  assert.deepEqual([...numbers(undefined)], []);
});
