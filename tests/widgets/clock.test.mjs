import assert from "node:assert/strict";
import { test } from "node:test";

const { Clock, askClock, grainOf, ms } = await import(process.env.MODULE);

test("a server's clock is put half way, and is wrong by half the round trip at the most", () => {
  const clock = new Clock();
  assert.equal(clock.server(0), null);
  clock.add(100, 5_000, 140); // asked at 100, arrived at 140
  assert.deepEqual(clock.best, { offset: 4_880, error: 20 });
  assert.equal(clock.server(1_000), 5_880);
});

test("of several exchanges the one with the shortest round trip counts", () => {
  const clock = new Clock();
  clock.add(0, 1_010, 20);
  clock.add(100, 1_101, 102);
  clock.add(200, 1_230, 260);
  assert.deepEqual(clock.best, { offset: 1_000, error: 1 });
  assert.match(String(clock), /±1\.0 ms.* of 3 /);
});

test("however the way is split, the true offset lies within the error", () => {
  for (const up of [0, 1, 5, 9, 10]) {
    const clock = new Clock();
    clock.add(50, 50 + up + 7_000, 60); // 10 ms in all, `up` of them on the way to the server
    assert.ok(Math.abs(clock.best.offset - 7_000) <= clock.best.error);
  }
});

test("exchanges that are contradicted by a newer one are forgotten", () => {
  const clock = new Clock();
  clock.add(0, 1_001, 2); // offset 1,000 ± 1
  clock.add(10, 61_060, 110); // offset 61,000 ± 50: one of the clocks stood still for a minute
  assert.equal(clock.count, 1);
  assert.deepEqual(clock.best, { offset: 61_000, error: 50 });
});

test("the grain of the page's clock is part of the error", () => {
  let now = 0;
  let reads = 0;
  const coarse = () => {
    reads += 1;
    if (reads % 10 === 0) now += 0.1;
    return now;
  };
  const grain = grainOf(coarse);
  assert.ok(grain > 0.09 && grain < 0.11);
  const clock = new Clock(1);
  clock.add(0, 0, 4);
  assert.equal(clock.best.error, 3);
  assert.equal(grainOf(() => 7), 1); // a clock that never moves
});

test("only so many exchanges are remembered", () => {
  const clock = new Clock();
  for (let turn = 0; turn < 100; turn += 1) clock.add(turn, turn, turn + 2);
  assert.equal(clock.count, 32);
});

test("milliseconds as people write them", () => {
  const written = [null, undefined, 0.04, 3.14, 12.3, 999, 1_234, 98_765].map(ms);
  assert.deepEqual(written, ["–", "–", "0.0 ms", "3.1 ms", "12 ms", "999 ms", "1.23 s", "98.8 s"]);
});

test("whether the clock answered is told, and what is no clock is none", async () => {
  const ask = async (fetched) => {
    const clock = new Clock();
    globalThis.fetch = fetched;
    return [await askClock(clock, "http://a/clock", 2, new AbortController().signal), clock.count];
  };
  const answering = async () => Response.json({ perf_counter_ns: performance.now() * 1e6 });
  assert.deepEqual(await ask(answering), [true, 2]);
  assert.deepEqual(await ask(async () => new Response("<html>not running", { status: 424 })),
    [false, 0]);
  assert.deepEqual(await ask(async () => new Response("{}")), [false, 0]);
  assert.deepEqual(await ask(async () => { throw new TypeError("nobody"); }), [false, 0]);
});
