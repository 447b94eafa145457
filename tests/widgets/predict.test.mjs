import assert from "node:assert/strict";
import test from "node:test";

const { moved, parseNumber, past, placeAt, words } = await import(process.env.MODULE);

test("numbers are read as people write them", () => {
  for (const [text, value] of [
    ["40", 40], [" 40 ", 40], ["0.5", 0.5], ["0,5", 0.5], ["1 000", 1000], ["1'000", 1000],
    ["-3", -3], ["\u22123", -3], ["1e3", 1000], [".5", 0.5], ["+2", 2], ["1234,5", 1234.5],
  ])
    assert.deepEqual(parseNumber(text), { value }, text);
  assert.deepEqual(parseNumber("40 ms", "ms"), { value: 40 });
  assert.deepEqual(parseNumber("40ms", "ms"), { value: 40 });
});

test("what is no number gets a line that says what to do", () => {
  for (const text of ["", "  ", "many", "4 0 x", "Infinity", "NaN", "1e999", "--3", "0x", "1.2.3"])
    assert.match(parseNumber(text).error, /write|more than anything/i, text);
  assert.match(parseNumber("40 s", "ms").error, /no number/);
});

test("a comma that may be one of two things is asked about", () => {
  for (const text of ["1,000", "-12,345", "1,000,000"])
    assert.match(parseNumber(text).error, /two ways/, text);
});

test("what is less than makes sense is not taken", () => {
  assert.match(parseNumber("-3", "bytes", 0).error, /less than 0: write 0 or more/);
  assert.deepEqual(parseNumber("0", "bytes", 0), { value: 0 });
  assert.deepEqual(parseNumber("-3", "", -5), { value: -3 });
});

test("an item moves, and stays within its list", () => {
  const list = ["a", "b", "c"];
  assert.deepEqual(moved(list, 0, 1), ["b", "a", "c"]);
  assert.deepEqual(moved(list, 2, 0), ["c", "a", "b"]);
  assert.deepEqual(moved(list, 0, 9), ["b", "c", "a"]);
  assert.deepEqual(moved(list, 2, -1), ["c", "a", "b"]);
  assert.deepEqual(list, ["a", "b", "c"]);
});

test("what is dragged goes below those whose middle it has passed", () => {
  assert.equal(placeAt(5, [10, 20, 30]), 0);
  assert.equal(placeAt(25, [10, 20, 30]), 2);
  assert.equal(placeAt(99, [10, 20, 30]), 3);
});

test("an answer and its history are told in words", () => {
  assert.equal(words(40, "ms"), "40 ms");
  assert.equal(words(1234.56), "1,235");
  assert.equal(words(1, "bytes"), "1 byte");
  assert.deepEqual([0, 2].map((count) => words(count, "bytes")), ["0 bytes", "2 bytes"]);
  assert.deepEqual(["ms", "%", "times"].map((unit) => words(1, unit)), ["1 ms", "1 %", "1 times"]);
  assert.equal(words(0.12345, "s"), "0.123 s");
  assert.equal(words(["a", "b"], "ms"), "a, b");
  assert.equal(past([], false), "");
  assert.match(past([30, 35], false, "ms"), /Before, you said 30 ms, then 35 ms\.$/);
  assert.match(past([30], true, "ms"), /30 ms\. You committed .* after/);
});
