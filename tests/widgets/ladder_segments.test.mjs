import assert from "node:assert/strict";
import test from "node:test";

const { Clock, Groups, Places, Rows, bytes, described, distance, fate, seconds, short, ticks, unpack } =
  await import(process.env.MODULE);

const row = (number, changes = {}) => ({
  ...unpack([number, 1, false, number * 100, number * 100 + 80, 95, "", 0, 0, "event 3", true]),
  ...changes,
});

test("a segment is told in words, with what became of it", () => {
  assert.equal(described(row(1)), "server → client, #1: event 3, 95 B; 80.00 ms on the link");
  assert.equal(described(row(1, { on: null, up: true, words: "" })), "client → server, #1: 95 B; on its way");
  assert.equal(fate(row(1, { on: false })), "never arrived");
  assert.equal(
    described(row(1, { end: "cut", words: "cut", size: 0 })),
    "server → client, #1: cut; 80.00 ms on the link",
  );
  assert.match(described(row(1), 12, 1140), /12 segments, 1,140 B, first: event 3/);
});

test("a label has its words, and its size if there is room", () => {
  assert.equal(short(row(1), 33), "event 3, 95 B");
  assert.equal(short(row(1), 10), "event 3");
  assert.equal(short(row(1, { words: "GET /messages?since=3" }), 12), "GET /messag…");
  assert.equal(short(row(1, { words: "" }), 3), "95 B");
  assert.equal(short(row(1), 9, 3, 300), "3 segments, 300 B");
});

test("sizes and times are written for people", () => {
  assert.equal(bytes(9999), "9,999 B");
  assert.equal(bytes(123456), "123.5 kB");
  assert.equal(seconds(-1234), "-1.23 s");
});

test("a window has some lines, and not too many", () => {
  for (const span of [500, 2000, 5000, 10_000, 30_000, 60_000, 600_000]) {
    const found = ticks(123_456, 123_456 + span, span);
    assert.ok(found.length >= 2 && found.length <= 11, `${span}: ${found.length}`);
    assert.ok(found.every(([time]) => time >= 123_456 && time <= 123_456 + span));
  }
  assert.deepEqual(ticks(-9000, -1, 9000), []);
  assert.deepEqual(ticks(0, 1000, 1000), [
    [0, "0.0 s"], [200, "0.2 s"], [400, "0.4 s"], [600, "0.6 s"], [800, "0.8 s"], [1000, "1.0 s"],
  ]);
});

test("only so many segments are kept, the newest", () => {
  const rows = new Rows();
  for (let number = 0; number < 10_000; number++) rows.add(row(number));
  assert.equal(rows.size, 3000);
  assert.ok(rows.has(9999) && !rows.has(0));
  rows.get(9999).on = 1;
  assert.equal(rows.get(9999).on, 1);
});

test("what was on its way at a time is seen at that time", () => {
  const rows = new Rows();
  rows.add(row(1));
  rows.add(row(2, { on: null }));
  rows.add(row(3));
  const numbers = (from, to) => rows.between(from, to).map(({ number }) => number);
  assert.deepEqual(numbers(150, 250), [1, 2]);
  assert.deepEqual(numbers(190, 900), [2, 3]);
  assert.deepEqual(numbers(181, 199), []);
});

test("arrows that are too near to be told apart are one, by direction", () => {
  const groups = new Groups(50);
  const first = groups.put(row(1));
  assert.equal(groups.put(row(2, { at: 120, size: 5, news: false })), first);
  assert.equal(groups.put(row(3, { at: 149, more: 4, rest: 400 })), first);
  assert.deepEqual([first.count, first.total, first.news], [7, 595, true]);
  const other = groups.put(row(4, { at: 130, up: true }));
  assert.notEqual(other, first);
  assert.notEqual(groups.put(row(5, { at: 150 })), first);
});

test("the end of a stream is always drawn by itself", () => {
  const groups = new Groups(50);
  const first = groups.put(row(1));
  const end = groups.put(row(2, { at: 101, end: "eof" }));
  assert.notEqual(end, first);
  assert.notEqual(groups.put(row(3, { at: 102 })), end);
});

test("labels do not lie on each other", () => {
  const places = new Places();
  const first = places.find(0, 50, [10, 25]);
  assert.equal(first.foot, 10);
  assert.equal(places.find(40, 90, [12, 25]).foot, 25);
  assert.equal(places.find(40, 90, [12, 26]), null);
  assert.equal(places.find(60, 90, [10, 26]).foot, 10);
  places.leave(first);
  assert.equal(places.find(0, 50, [10]).foot, 10);
});

test("places of long ago are forgotten", () => {
  const places = new Places(5);
  for (let foot = 0; foot < 100_000; foot += 11) assert.ok(places.find(0, 50, [foot]));
  assert.equal(places.taken.length, 5);
});

test("the kernel's clock is the quickest message's", () => {
  const clock = new Clock();
  assert.equal(clock.now(5000), 0);
  clock.hear(1000, 5080);
  clock.hear(1100, 5110);
  clock.hear(1200, 5290);
  assert.ok(Math.abs(clock.now(6000) - 1990) < 3);
});

test("a clock that was put forward is believed after a while", () => {
  const clock = new Clock();
  clock.hear(1000, 5000);
  for (let at = 0; at < 300; at++) clock.hear(2000 + at * 100, 16_000 + at * 100);
  assert.ok(Math.abs(clock.now(100_000) - 86_000) < 100);
});

test("how far a click is from an arrow", () => {
  const arrow = { x1: 0, y1: 0, x2: 100, y2: 0 };
  assert.equal(distance(50, 7, arrow), 7);
  assert.equal(distance(103, 4, arrow), 5);
  assert.equal(distance(-3, -4, arrow), 5);
  assert.equal(distance(3, 4, { x1: 0, y1: 0, x2: 0, y2: 0 }), 5);
});
