import assert from "node:assert/strict";
import { test } from "node:test";

const { Clock, Client, asJson, figuresOf } = await import(process.env.MODULE);

test("what is no JSON is sent as a string", () => {
  assert.equal(asJson('{"a": 1}'), '{"a": 1}');
  assert.equal(asJson('say "hi"'), '"say \\"hi\\""');
  assert.equal(asJson(""), '""');
});

test("figures are all there, in words", () => {
  const client = new Client("sse", { clock: new Clock() });
  const names = figuresOf(client, 5).map(([name]) => name);
  for (const name of ["received", "lost", "twice", "reconnects", "cursor"]) {
    assert.ok(names.includes(name), name);
  }
});
