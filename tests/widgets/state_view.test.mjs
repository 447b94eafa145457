import assert from "node:assert/strict";
import test from "node:test";

const { doing, left, log, moved, times } = await import(process.env.MODULE);

test("a client that does not wait has no time left", () => {
  assert.equal(left({ delay: null, at: 0, sent: 0 }, 0), null);
});

test("what is left of a delay is counted from the report, and never negative", () => {
  const client = { delay: 2000, at: 10_000, sent: 10_100 };
  assert.equal(left(client, 0), 1900);
  assert.equal(left(client, 1000), 900);
  assert.equal(left(client, 60_000), 0);
});

test("a page whose clock is wrong counts no more than the delay", () => {
  assert.equal(left({ delay: 2000, at: 10_000, sent: 10_000 }, -3_600_000), 2000);
});

test("what a client did last is told by its machine", () => {
  const machine = { moves: ["subscribe()", "an answer"] };
  assert.equal(moved({ last: 1, count: 2 }, machine), "an answer");
  assert.equal(moved({ last: null, count: 0 }, machine), "");
  assert.match(moved({ last: null, count: 3, state: "open" }, machine), /went to open, .* not have/);
  assert.equal(doing({ state: null }), "not begun");
  assert.equal(doing({ state: "open" }), "open");
});

test("moves that are drawn as one are counted together", () => {
  assert.equal(times([[0, 1], [2, 5], [3, 7]], [2, 3, 4]), 12);
  assert.equal(times([], [1]), 0);
});

test("the log has what all clients said, in order, the newest of it", () => {
  const clients = [
    { name: "a", log: [[1000, "connecting"], [3000, "open"]] },
    { name: "b", log: [[2500, "connecting"]] },
  ];
  assert.deepEqual(log(clients), [
    ["0.00", "a", "connecting"], ["1.50", "b", "connecting"], ["2.00", "a", "open"],
  ]);
  assert.deepEqual(log(clients, 1), [["2.00", "a", "open"]]);
  assert.deepEqual(log([{ name: "a", log: [] }]), []);
});
