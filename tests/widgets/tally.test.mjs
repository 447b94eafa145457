import assert from "node:assert/strict";
import { test } from "node:test";

const { Tally, cut, quantiles } = await import(process.env.MODULE);

function tallied(cursor, ...numbers) {
  const tally = new Tally(cursor);
  return [numbers.map((seq) => tally.take(seq)), tally];
}

test("messages in order are each received once", () => {
  const [how, tally] = tallied(0, 1, 2, 3);
  assert.deepEqual(how, ["in order", "in order", "in order"]);
  assert.deepEqual([tally.received, tally.lost, tally.twice, tally.cursor], [3, 0, 0, 3]);
});

test("without a cursor the first message is where it begins", () => {
  const [, tally] = tallied(null, 7, 8);
  assert.deepEqual([tally.received, tally.lost, tally.cursor], [2, 0, 8]);
});

test("a gap is lost until it is filled", () => {
  const [, tally] = tallied(0, 1, 5);
  assert.deepEqual([tally.lost, tally.cursor], [3, 5]);
  assert.equal(tally.take(3), "late");
  assert.deepEqual([tally.lost, tally.received, tally.twice], [2, 3, 0]);
  assert.equal(tally.take(3), "twice");
  assert.equal(tally.take(2), "late");
  assert.equal(tally.take(4), "late");
  assert.deepEqual([tally.lost, tally.received, tally.twice], [0, 5, 1]);
});

test("what came already comes twice", () => {
  const [how, tally] = tallied(2, 3, 3, 1);
  assert.deepEqual(how, ["in order", "twice", "twice"]);
  assert.deepEqual([tally.received, tally.twice], [1, 2]);
});

test("the page's own messages do not come back, and leave no gap", () => {
  const tally = new Tally(4);
  tally.own(6);
  tally.own(7);
  assert.equal(tally.take(5), "in order");
  assert.equal(tally.take(8), "in order");
  assert.deepEqual([tally.lost, tally.received], [0, 2]);
  tally.own(11);
  tally.take(13);
  assert.equal(tally.missing, 3); // 9, 10 and 12
});

test("an own message that comes back after a reconnect came once", () => {
  const tally = new Tally(4);
  tally.own(5);
  assert.equal(tally.take(5), "in order");
  assert.deepEqual([tally.received, tally.twice, tally.cursor], [1, 0, 5]);
});

test("what the feed no longer held is lost for good", () => {
  const tally = new Tally(2);
  tally.lose({ lost: [3, 10], resume: 10 });
  tally.take(11);
  assert.deepEqual([tally.lost, tally.gone, tally.missing, tally.cursor], [8, 8, 0, 11]);
  tally.lose({ lost: null, resume: 0 }); // a cursor ahead of the feed: another run of the server
  assert.deepEqual([tally.lost, tally.cursor], [8, 0]);
});

test("a tally survives as JSON", () => {
  const [, tally] = tallied(0, 1, 4, 4);
  tally.own(6);
  const other = new Tally();
  other.restore(JSON.parse(JSON.stringify(tally.state)));
  assert.deepEqual(other.state, tally.state);
  assert.equal(other.take(2), "late");
  assert.equal(tally.missing, 2); // and not shared with the one that it came from
});

test("quantiles", () => {
  assert.deepEqual(quantiles([], [0.5, 1]), [null, null]);
  assert.deepEqual(quantiles([10, 9, 1], [0.5]), [9]); // sorted as numbers, not as text
  assert.deepEqual(quantiles([1, 2, 3, 4], [0, 0.5, 1]), [1, 3, 4]);
});

test("long texts are cut, and say how long they were", () => {
  assert.equal(cut("short"), "short");
  assert.equal(cut("x".repeat(1_000_000), 3), "xxx… (1,000,000 characters)");
});
