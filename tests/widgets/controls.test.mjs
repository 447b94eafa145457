import assert from "node:assert/strict";
import test from "node:test";

const { inBytes, inMs, nearest } = await import(process.env.MODULE);

test("a slider stands at the value that is nearest in proportion", () => {
  const values = [0, 0.5, 1, 2, 5, 10, 1000];
  for (const [value, at] of [[0, 0], [0.5, 1], [3, 3], [4, 4], [1e9, 6]]) {
    assert.equal(nearest(values, value), at, value);
  }
});

test("no limit is the end of a scale that has it", () => {
  assert.equal(nearest([1000, 1e6, null], null), 2);
  assert.equal(nearest([1000, 1e6, null], 1.2e6), 1);
  assert.equal(nearest([1000, 1e6, null], 1e11), 2);
});

test("times and sizes are said in a few characters", () => {
  assert.deepEqual([0, 0.26, 9.96, 81.4, 999, 1000, 3330].map(inMs), [
    "0 ms", "0.3 ms", "10 ms", "81 ms", "999 ms", "1 s", "3.33 s",
  ]);
  assert.deepEqual([32, 1000, 250_000, 1e6].map(inBytes), ["32 B", "1 kB", "250 kB", "1 MB"]);
});
