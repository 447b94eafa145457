import assert from "node:assert/strict";
import { test } from "node:test";

const { bandOf, pointOf, scaleOf, tale, windowOf } = await import(process.env.MODULE);

test("a message with a price is a point, and says how it came", () => {
  const message = { seq: 3, data: { price: 101.5 }, published_ns: 7e6 };
  const point = (how) => pointOf(message, how);
  assert.deepEqual(point({ live: true, how: "in order" }),
    { seq: 3, at: 7, price: 101.5, came: "at once" });
  assert.equal(point({ live: false, how: "in order" }).came, "afterwards");
  assert.equal(point({ live: true, how: "twice" }).came, "again");
});

test("what has no price is no point", () => {
  for (const data of [null, 5, "x", [], {}, { price: "12" }, { price: null }, { price: NaN }]) {
    assert.equal(pointOf({ seq: 1, data, published_ns: 0 }, { live: true }), null);
  }
});

test("the chart shows what there is, ten seconds at least and a minute at most", () => {
  assert.equal(windowOf([], 5_000), 10_000);
  assert.equal(windowOf([{ at: 0 }], 1_000), 10_000);
  assert.ok(windowOf([{ at: 0 }], 20_000) >= 20_000);
  assert.equal(windowOf([{ at: 0 }], 900_000), 60_000);
});

test("later is further right, dearer is further up, and all of it is on the chart", () => {
  const points = [{ at: 0, price: 99 }, { at: 20_000, price: 104 }];
  const { x, y, low, high } = scaleOf(points, 20_000, 600);
  assert.ok(0 <= x(0) && x(0) < x(10_000) && x(10_000) < x(20_000) && x(20_000) <= 600);
  assert.ok(0 <= y(104) && y(104) < y(99) && y(99) <= 150);
  assert.deepEqual([low, high], [99, 104]);
  const flat = scaleOf([{ at: 0, price: 5 }], 0, 600);
  assert.ok(Number.isFinite(flat.y(5)));
});

test("an outage that began after what is drawn has no width, and never less", () => {
  const clock = { server: (at) => at + 1_000 }; // ms
  const { x } = scaleOf([{ at: 0, price: 1 }], 20_000, 600);
  const band = (from, to) => bandOf({ from, to }, { x, now: 20_000, clock });
  assert.ok(band(5_000, 8_000).width > 0);
  assert.ok(band(5_000, null).width > 0);
  assert.equal(band(19_500, null).width, 0);
});

test("the tale says what is going on, and what came of it", () => {
  const during = tale({ from: 0, to: null, filled: 0, givenUp: false }, 4);
  assert.match(during, /No connection.*by itself.*: 4\./);
  assert.match(tale({ from: 0, to: null, filled: 0, givenUp: true }, 4), /given up.*a new one/);
  const after = tale({ from: 0, to: 3_000, filled: 6, givenUp: false }, 0);
  assert.match(after, /3\.00 s.*: 6\..*by itself/);
  assert.match(tale({ from: 0, to: 3_000, filled: 6, givenUp: true }, 0), /a new one asked/);
  assert.match(tale({ from: 0, to: 3_000, filled: 0, ended: true }, 4), /nobody came back/);
});
