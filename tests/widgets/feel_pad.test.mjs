import assert from "node:assert/strict";
import test from "node:test";

const { sideOf, stepped, within } = await import(process.env.MODULE);

test("a pointer is somewhere between 0 and 1, wherever it is", () => {
  const box = { left: 100, top: 50, width: 200, height: 100 };
  assert.deepEqual(within({ clientX: 100, clientY: 50 }, box), { x: 0, y: 0 });
  assert.deepEqual(within({ clientX: 250, clientY: 75 }, box), { x: 0.75, y: 0.25 });
  assert.deepEqual(within({ clientX: 999, clientY: -999 }, box), { x: 1, y: 0 });
  assert.deepEqual(within({ clientX: 100 + 200 / 3, clientY: 50 }, box).x, 0.333);
});

test("arrow keys move it, with Shift further, and never out of the pad", () => {
  const middle = { x: 0.5, y: 0.5 };
  assert.deepEqual(stepped(middle, "ArrowRight"), { x: 0.54, y: 0.5 });
  assert.deepEqual(stepped(middle, "ArrowUp"), { x: 0.5, y: 0.46 });
  assert.deepEqual(stepped(middle, "ArrowLeft", true), { x: 0.34, y: 0.5 });
  assert.deepEqual(stepped({ x: 0.01, y: 0.99 }, "ArrowLeft"), { x: 0, y: 0.99 });
  assert.deepEqual(stepped({ x: 0.01, y: 0.99 }, "ArrowDown"), { x: 0.01, y: 1 });
  for (const key of ["Enter", "a", "constructor", "Home"]) assert.equal(stepped(middle, key), null);
});

test("a word stands where there is room for it", () => {
  assert.deepEqual([10, 500, 990].map((x) => sideOf(-1, x, 1000)), [1, -1, -1]);
  assert.deepEqual([10, 500, 990].map((x) => sideOf(1, x, 1000)), [1, 1, -1]);
});
