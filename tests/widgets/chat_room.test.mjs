import assert from "node:assert/strict";
import test from "node:test";

const { knows } = await import(process.env.MODULE);

test("what the server knows is told in words", () => {
  const rooms = { general: ["Ada", "Bob"], x: ["C"] };
  assert.equal(knows({ rooms, connections: 3, up: 1200, down: 5 }),
    "The server has 3 connections; general: Ada, Bob; x: C. 1,200 bytes went up, 5 down.");
  assert.match(knows({ rooms: {}, connections: 1, up: 0, down: 0 }), /1 connection; nobody/);
});
