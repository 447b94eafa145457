import assert from "node:assert/strict";
import test from "node:test";

const { ChatClient, Log, doing, ending, lineOf } = await import(process.env.MODULE);

// A WebSocket that does what the test says, and time that passes when it says so.
function bench() {
  const sockets = [];
  const waiting = [];
  const lines = [];
  const states = [];
  const dial = () => {
    const ws = {
      sent: [],
      send: (text) => ws.sent.push(text),
      close: (code) => ws.onclose({ code, reason: "" }),
    };
    sockets.push(ws);
    return ws;
  };
  const timers = {
    setTimeout: (call, delay) => waiting.push({ call, delay }) - 1,
    clearTimeout: (number) => { if (waiting[number]) waiting[number].call = () => {}; },
  };
  const view = {
    changed: () => states.at(-1) === client.state || states.push(client.state),
    heard: (line) => lines.push(line),
  };
  const client = new ChatClient({ dial, view, timers, wait: (retries) => 750 * 2 ** retries });
  const last = () => sockets.at(-1);
  return {
    client, sockets, lines, states, waiting, last,
    welcome: (name = "Ada") => {
      last().onopen();
      last().onmessage({ data: JSON.stringify({ type: "welcome", name, here: [name] }) });
    },
    pass: () => waiting.at(-1).call(),
  };
}

test("a client says whom it wants to be, and is joined when the server has answered", () => {
  const { client, last, states, welcome } = bench();
  client.join("Ada", "general");
  welcome("Ada 2");
  assert.deepEqual(JSON.parse(last().sent[0]), { type: "join", name: "Ada", room: "general" });
  assert.deepEqual(states, ["connecting", "open", "joined"]);
  assert.equal(doing(client), "in general as Ada 2");
  client.say("hi");
  assert.deepEqual(JSON.parse(last().sent[1]), { type: "say", text: "hi" });
});

test("retries are counted up with every failure and down to zero by a word of the server", () => {
  const { client, last, pass, waiting, welcome } = bench();
  client.join("Ada", "general");
  const fail = () => last().onclose({ code: 1006, reason: "" });
  for (const [retries, delay] of [[1, 750], [2, 1500], [3, 3000]]) {
    fail();
    assert.deepEqual([client.state, client.retries], ["waiting", retries]);
    assert.equal(waiting.at(-1).delay, delay);
    pass();
  }
  last().onopen(); // through a proxy this means nothing yet
  fail();
  assert.equal(client.retries, 4);
  pass();
  welcome();
  assert.equal(client.retries, 0);
  fail();
  assert.equal(waiting.at(-1).delay, 750);
  assert.equal(doing(client), "lost; attempt 1 in 0.8 s");
});

test("a server that knows no welcome can be talked to as well", () => {
  const { client, last, lines, pass } = bench();
  client.join("Ada", "general");
  last().onclose({ code: 1006, reason: "" });
  pass();
  last().onopen();
  assert.equal(client.retries, 1);
  last().onmessage({ data: '{"type":"say","text":"from the lesson"}' });
  assert.deepEqual([client.state, client.retries], ["open", 0]);
  assert.equal(lines.at(-1).kind, "raw");
  client.say("hi");
  assert.deepEqual(JSON.parse(last().sent.at(-1)), { type: "say", text: "hi" });
});

test("who leaves stays away, whether connected or waiting", () => {
  const { client, last, pass, sockets, welcome } = bench();
  client.join("Ada", "general");
  welcome();
  client.leave();
  assert.equal(client.state, "closed");
  client.join("Ada", "general");
  last().onclose({ code: 1006, reason: "" });
  client.leave();
  pass();
  assert.equal(client.state, "closed");
  assert.equal(sockets.length, 2);
});

test("who leaves before the connection is there sends no join", () => {
  const { client, last } = bench();
  client.join("Ada", "general");
  last().close = () => {}; // a browser takes its time
  client.leave();
  last().onopen();
  assert.deepEqual(last().sent, []);
  assert.equal(doing(client), "leaving");
});

test("a close that blames the client is not tried again, others are", () => {
  for (const [code, state] of [[1003, "closed"], [1007, "closed"], [1008, "closed"],
    [1009, "closed"], [1000, "waiting"], [1001, "waiting"], [1006, "waiting"], [1011, "waiting"],
    [1013, "waiting"]]) {
    const { client, last, welcome } = bench();
    client.join("Ada", "general");
    welcome();
    last().onclose({ code, reason: "" });
    assert.equal(client.state, state, code);
  }
});

test("an error instead of a welcome ends the attempt, and the reason stays to be read", () => {
  const { client, last, lines } = bench();
  client.join("x".repeat(41), "general");
  last().onopen();
  last().onmessage({ data: '{"type":"error","error":"A name is a text of 1 to 40 characters."}' });
  assert.equal(client.state, "closed");
  assert.equal(lines[0].text, "The server: A name is a text of 1 to 40 characters.");
});

test("an error later on ends nothing", () => {
  const { client, last, welcome } = bench();
  client.join("Ada", "general");
  welcome();
  last().onmessage({ data: '{"type":"error","error":"Not JSON."}' });
  assert.equal(client.state, "joined");
});

test("close code and reason are shown as they came, and what they mean", () => {
  assert.match(ending({ code: 1001, reason: "it is stopped" }), /^Closed: 1001 “it is stopped” /);
  assert.match(ending({ code: 1006, reason: "" }), /1006, no reason given .*makes this number up/);
  assert.equal(ending({ code: 4242, reason: "<b>" }), "Closed: 4242 “<b>”.");
  assert.match(ending({ code: 1005, reason: "" }, true), /proxy hands no codes on/);
  assert.doesNotMatch(ending({ code: 1001, reason: "" }, true), /proxy/);
});

test("messages become lines, and whatever is no message of a chat is shown as it came", () => {
  assert.deepEqual(lineOf('{"type":"say","name":"Ada","text":"<script>"}'),
    { kind: "say", name: "Ada", text: "<script>" });
  assert.deepEqual(lineOf('{"type":"leave","name":"Ada","here":["Bob"]}').here, ["Bob"]);
  assert.equal(lineOf('{"type":"who","here":["Ada","Bob"]}').text, "Here: Ada, Bob");
  for (const text of ["", "nope", "null", "7", "[]", '{"type":"say"}', '{"type":"join","name":"A"}',
    '{"type":"say","name":{},"text":"x"}', '{"type":"constructor","here":[]}', '{"text":"hi"}'])
    assert.deepEqual(lineOf(text), { kind: "raw", text }, text);
  assert.deepEqual(lineOf({ size: 3 }), { kind: "raw", text: "binary, 3 bytes" });
});

test("a log keeps the newest lines, by number and by size, and counts the others", () => {
  const log = new Log();
  for (let number = 0; number < 10_000; number += 1) log.add({ text: String(number) });
  assert.equal(log.lines.length, 200);
  assert.deepEqual([log.lines[0].text, log.forgotten], ["9800", 9800]);
  for (let number = 0; number < 100; number += 1) log.add({ text: "x".repeat(100_000) });
  assert.equal(log.lines.length, 10);
  log.add({ text: "x".repeat(5_000_000) });
  assert.equal(log.lines.length, 1); // one is always kept
});
