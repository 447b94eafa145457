import assert from "node:assert/strict";
import { test } from "node:test";

const { Clock, Journal } = await import(process.env.MODULE);

const CLOCK = { server: (at) => at + 1_000 }; // ms
const message = (seq, at, data = null) => ({ seq, data, published_ns: (at + 1_000) * 1e6 });

test("a message that was published while connected has its latency counted", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  assert.deepEqual(journal.receive(message(1, 110), 113), { live: true, how: "in order" });
  assert.deepEqual(journal.latencies, [3]);
  assert.equal(journal.lines.at(-1).latency, 3);
});

test("one that waited for the connection is counted apart", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  assert.deepEqual(journal.receive(message(1, 40), 101), { live: false, how: "in order" });
  assert.deepEqual([journal.latencies, journal.waited], [[], 1]);
  assert.equal(journal.lines.at(-1).latency, 61);
});

test("an outage knows what came after it, and from when to when it was", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.begin();
  journal.open(100);
  journal.receive(message(1, 50), 101);
  journal.lose(200);
  journal.lose(210); // an attempt that failed
  journal.open(300);
  journal.receive(message(2, 250), 301);
  journal.receive(message(3, 299), 301);
  journal.receive(message(4, 301), 302);
  assert.deepEqual(journal.outages, [{ from: 200, to: 300, filled: 2, givenUp: false }]);
  assert.deepEqual([journal.reconnects, journal.waited, journal.latencies], [1, 3, [1]]);
});

test("an outage that ends because the reader closes is not one that somebody came back from", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  journal.lose(200);
  journal.close();
  assert.equal(journal.outages[0].ended, true);
  assert.equal(journal.reconnects, 0);
});

test("what was published before an outage was not published in it", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  journal.lose(200);
  journal.open(300);
  journal.receive(message(1, 150), 301); // another way, say, on which it was not seen
  assert.equal(journal.outages[0].filled, 0);
});

test("what comes twice has no second latency", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(0);
  journal.receive(message(1, 5), 6);
  assert.deepEqual(journal.receive(message(1, 5), 90), { live: true, how: "twice" });
  assert.deepEqual(journal.latencies, [1]);
});

test("connecting again on purpose is no reconnect", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.begin();
  journal.open();
  journal.close();
  journal.begin();
  journal.open();
  assert.equal(journal.reconnects, 0);
});

test("without a clock there is no latency, and no guess", () => {
  const journal = new Journal(new Clock(), () => {});
  journal.open(0);
  journal.receive(message(1, 5), 6);
  assert.equal(journal.lines.at(-1).latency, null);
  assert.equal(journal.figures.median, null);
});

test("whatever comes, a journal stays small", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(0);
  for (let seq = 1; seq <= 10_000; seq += 1) journal.receive(message(seq, seq), seq + 1);
  journal.receive(message(10_001, 1, "x".repeat(1 << 20)), 2);
  for (let turn = 0; turn < 100; turn += 1) {
    journal.lose();
    journal.open();
  }
  assert.ok(journal.lines.length <= 400 && journal.latencies.length <= 2_000);
  assert.equal(journal.outages.length, 20);
  assert.deepEqual([journal.tally.received, journal.tally.lost], [10_001, 0]);
  assert.ok(journal.lines.at(-1).text.length < 250);
  assert.ok(JSON.stringify(journal.report).length < 20_000);
});

test("a page that is loaded again goes on where it was", () => {
  const before = new Journal(CLOCK, () => {});
  before.open(0);
  before.receive(message(1, 1), 2);
  before.receive(message(4, 1), 2);
  const next = new Journal(CLOCK, () => {});
  next.restore(JSON.parse(JSON.stringify(before.report)));
  assert.deepEqual(next.tally.state, before.tally.state);
  assert.deepEqual(next.lines, before.lines);
  assert.equal(next.noted, next.lines.length);
});
