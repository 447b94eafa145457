import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

const { Client, hold, reasonOf, remarkOn, showState, sleep } = await import(process.env.MODULE);

const CLOCK = { server: (at) => at + 1_000 }; // ms
const message = (seq, at, data = null) => ({ seq, data, published_ns: (at + 1_000) * 1e6 });

class FakeSource extends EventTarget {
  static made = [];
  readyState = 0;

  constructor(url) {
    super();
    this.url = String(url);
    this.sent = [];
    FakeSource.made.push(this);
    for (const name of ["open", "message", "error", "close"]) {
      this.addEventListener(name, (event) => this[`on${name}`]?.(event));
    }
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closed = code ?? true;
    this.readyState = this.constructor.CLOSED;
  }

  fire(name, readyState = this.readyState, more = {}) {
    this.readyState = readyState;
    this.dispatchEvent(Object.assign(new Event(name), more));
  }

  tell(value) {
    this.fire("message", this.readyState, { data: JSON.stringify(value) });
  }
}

class FakeEventSource extends FakeSource {
  static CLOSED = 2;
}

class FakeWebSocket extends FakeSource {
  static CLOSED = 3;
}

function clientOf(transport, options = {}) {
  return new Client(transport, {
    url: () => "http://127.0.0.1:1/x", clock: CLOCK, changed: () => {}, period: 1000,
    explain: async () => "", proxied: () => false, revive: false, ...options,
  });
}

const said = (client) => client.journal.lines.map(({ what, text }) => `${what} ${text}`.trim());
const turn = () => new Promise((resolve) => setImmediate(resolve));
let clients = [];
const made = (...arguments_) => {
  clients.push(clientOf(...arguments_));
  return clients.at(-1);
};

beforeEach(() => {
  FakeSource.made = [];
  globalThis.EventSource = FakeEventSource;
  globalThis.WebSocket = FakeWebSocket;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 0.5);
});

afterEach(() => {
  for (const client of clients) client.destroy();
  clients = [];
  mock.timers.reset();
  mock.restoreAll();
});

test("EventSource: states, messages and what comes back by itself", async () => {
  const client = made("sse");
  assert.equal(client.state, "CLOSED");
  client.open();
  const [source] = FakeSource.made;
  assert.equal(client.state, "CONNECTING");
  source.fire("open", 1);
  assert.equal(client.state, "OPEN");
  source.tell(message(1, 5));
  source.fire("error", 0);
  assert.equal(client.state, "CONNECTING");
  source.fire("open", 1);
  source.tell(message(2, 5));
  assert.equal(client.journal.reconnects, 1);
  assert.equal(client.journal.tally.received, 2);
  assert.equal(FakeSource.made.length, 1); // the same object: nothing of ours reconnects
  client.close();
  assert.equal(source.closed, true);
  assert.equal(client.state, "CLOSED");
});

test("EventSource that has given up: connecting again goes on after the last message", async () => {
  const client = made("sse", { explain: async () => "because", proxied: () => true });
  client.open();
  FakeSource.made[0].fire("open", 1);
  FakeSource.made[0].tell(message(7, 5));
  FakeSource.made[0].fire("error", 2);
  await turn();
  assert.equal(client.wanted, false);
  assert.match(said(client).join("\n"), /given up.*proxy.*\n.*after message 7\.\nwhy because/);
  mock.timers.tick(60_000);
  assert.equal(FakeSource.made.length, 1);
  client.open();
  assert.match(FakeSource.made[1].url, /since=7$/);
});

test("EventSource that has given up is made anew where a view wants it, ever more slowly", () => {
  const client = made("sse", { revive: true });
  client.open();
  FakeSource.made[0].fire("open", 1);
  FakeSource.made[0].tell(message(7, 5));
  FakeSource.made[0].fire("error", 2);
  mock.timers.tick(749);
  assert.equal(FakeSource.made.length, 1);
  return turn().then(async () => {
    mock.timers.tick(1);
    await turn();
    assert.equal(FakeSource.made.length, 2);
    assert.match(FakeSource.made[1].url, /since=7$/);
    assert.equal(client.journal.outages[0].givenUp, true);
    FakeSource.made[1].fire("error", 2);
    mock.timers.tick(1_499);
    await turn();
    assert.equal(FakeSource.made.length, 2);
    mock.timers.tick(1);
    await turn();
    FakeSource.made[2].fire("open", 1);
    assert.equal(client.journal.reconnects, 1);
    assert.notEqual(client.journal.outages[0].to, null);
  });
});

test("what a feed no longer holds is told", () => {
  const client = made("sse");
  client.open();
  const gap = { error: "gone", lost: [1, 5], resume: 5 };
  FakeSource.made[0].fire("lost", 1, { data: JSON.stringify(gap) });
  assert.equal(client.journal.tally.lost, 5);
  assert.ok(said(client).includes("lost gone"));
});

test("WebSocket: hello with the cursor, retries counted and set back, a close code", async () => {
  const client = made("websocket");
  client.open();
  const [first] = FakeSource.made;
  first.fire("open", 1);
  assert.deepEqual(first.sent, [{ since: null }]);
  assert.equal(client.journal.up, false); // a proxy opens for nobody
  first.tell({ hello: { last: 3 } });
  assert.equal(client.journal.up, true);
  first.tell(message(3, 5));
  first.fire("close", 3, { code: 1006, reason: "" });
  assert.ok(said(client).includes("close Disconnected: 1006"));
  assert.match(client.detail, /750 ms/);
  for (const [delay, next] of [[750, "1.50 s"], [1_500, "3.00 s"], [3_000, "6.00 s"]]) {
    mock.timers.tick(delay);
    await turn();
    FakeSource.made.at(-1).fire("close", 3, { code: 1006, reason: "" });
    assert.match(client.detail, new RegExp(next.replace(".", "\\.")));
  }
  mock.timers.tick(6_000);
  await turn();
  const last = FakeSource.made.at(-1);
  last.fire("open", 1);
  assert.deepEqual(last.sent, [{ since: 3 }]);
  last.tell({ hello: { last: 3 } });
  last.fire("close", 3, { code: 1001, reason: "the lab is stopped" });
  assert.match(client.detail, /750 ms/); // counted from the beginning again
  assert.equal(client.journal.reconnects, 1);
});

test("WebSocket: what is our own fault is not tried again", async () => {
  const client = made("websocket");
  client.open();
  FakeSource.made[0].fire("close", 3, { code: 1009, reason: "too big" });
  mock.timers.tick(60_000);
  await turn();
  assert.equal(FakeSource.made.length, 1);
  assert.equal(client.wanted, false);
});

test("WebSocket: what is sent is acknowledged, and does not come back", async () => {
  const client = made("websocket");
  await client.send('"early"');
  assert.match(said(client)[0], /not done.*connect first/);
  client.open();
  const [source] = FakeSource.made;
  source.fire("open", 1);
  source.tell({ hello: { last: 0 } });
  source.tell(message(1, 5));
  await client.send('"mine"');
  assert.equal(source.sent.at(-1), "mine");
  source.tell({ ack: 2 });
  source.tell(message(3, 5));
  assert.deepEqual([client.journal.tally.lost, client.journal.tally.received], [0, 2]);
});

test("WebSocket: after a gap it goes on where the feed begins", async () => {
  const client = made("websocket");
  client.open();
  FakeSource.made[0].tell({ lost: { error: "gone", lost: [1, 8], resume: 8 } });
  FakeSource.made[0].fire("close", 3, { code: 1006, reason: "" });
  mock.timers.tick(750);
  await turn();
  FakeSource.made[1].fire("open", 1);
  assert.deepEqual(FakeSource.made[1].sent, [{ since: 8 }]);
  assert.equal(client.journal.tally.lost, 8);
});

test("WebSocket: through the proxy a lost code is explained", () => {
  for (const [proxied, code, told] of [[true, 1005, 1], [true, 1001, 0], [false, 1006, 0]]) {
    const client = made("websocket", { proxied: () => proxied });
    client.open();
    FakeSource.made.at(-1).fire("close", 3, { code, reason: "" });
    assert.equal(said(client).filter((line) => /lost in Jupyter's proxy/.test(line)).length, told);
  }
});

test("an old WebSocket that closes late does not disturb the new one", () => {
  const client = made("websocket");
  client.open();
  const [old] = FakeSource.made;
  client.close();
  client.open();
  const [, young] = FakeSource.made;
  young.fire("open", 1);
  young.tell({ hello: { last: 0 } });
  old.fire("close", 3, { code: 1000, reason: "" });
  assert.equal(client.state, "OPEN");
  assert.equal(client.journal.up, true);
  assert.equal(FakeSource.made.length, 2);
});

function answer(status, body, statusText = "") {
  return new Response(body === null ? null : JSON.stringify(body), { status, statusText });
}

test("polling: asks after the cursor, waits, and asks again", async () => {
  const asked = [];
  const answers = [answer(200, [message(1, 5), message(2, 5)]), answer(200, [])];
  globalThis.fetch = async (url) => {
    asked.push(String(url));
    return answers.shift() ?? answer(200, []);
  };
  const client = made("polling");
  client.open();
  assert.equal(client.state, "ASKING");
  for (let step = 0; step < 5; step += 1) await turn();
  assert.equal(client.state, "WAITING");
  mock.timers.tick(1_000);
  for (let step = 0; step < 5; step += 1) await turn();
  assert.deepEqual(asked, ["http://127.0.0.1:1/x", "http://127.0.0.1:1/x?since=2"]);
  client.close();
  mock.timers.tick(60_000);
  for (let step = 0; step < 5; step += 1) await turn();
  assert.equal(asked.length, 2);
});

test("long polling: a failure is waited out, a gap is told, and the cursor goes on", async () => {
  const asked = [];
  const answers = [
    () => answer(500, { error: "broken" }, "Internal Server Error"),
    () => answer(410, { error: "gone", lost: [1, 4], resume: 4 }),
    () => answer(204, null),
    () => answer(200, [message(5, 5)]),
  ];
  globalThis.fetch = (url, { signal }) => {
    asked.push(String(url));
    if (answers.length) return Promise.resolve(answers.shift()());
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error())));
  };
  const client = made("long_polling");
  client.open();
  for (let step = 0; step < 5; step += 1) await turn();
  assert.ok(said(client).includes("error 500 Internal Server Error: broken"));
  assert.equal(client.state, "WAITING");
  mock.timers.tick(750);
  for (let step = 0; step < 9; step += 1) await turn();
  assert.deepEqual(asked.map((url) => url.split("=")[1]), [undefined, undefined, "4", "4", "5"]);
  assert.deepEqual([client.journal.tally.received, client.journal.tally.lost], [1, 4]);
  client.close();
  await turn();
  assert.equal(said(client).at(-1), "close by this page"); // an abort of ours is no error
});

test("a loop is connected from its question on: what comes meanwhile did not wait for it", async () => {
  let now = 100;
  mock.method(performance, "now", () => now);
  let tell;
  globalThis.fetch = () => new Promise((resolve) => { tell = resolve; });
  const client = made("long_polling");
  client.open();
  now = 2_000; // held so long
  tell(answer(200, [message(1, 1_950)]));
  for (let step = 0; step < 5; step += 1) await turn();
  assert.equal(client.journal.waited, 0);
  assert.deepEqual(client.journal.latencies, [50]);
});

test("a page for people in place of messages is called that, and no syntax error", async () => {
  const page = () => new Response("<!DOCTYPE html><title>JupyterHub</title>", { status: 200,
    statusText: "OK" });
  for (const transport of ["polling", "long_polling"]) {
    globalThis.fetch = async () => page();
    const client = made(transport);
    client.open();
    for (let step = 0; step < 5; step += 1) await turn();
    assert.ok(said(client).includes("error 200 OK: a page for people"), said(client).join("\n"));
    assert.equal(client.journal.up, false);
    await client.send('"x"');
    assert.equal(said(client).at(-1), "error POST: 200 OK: a page for people");
    client.destroy();
  }
  globalThis.fetch = async () => answer(424, { message: "jane's server is not running" });
  const client = made("sse");
  await client.send('"x"');
  assert.equal(said(client).at(-1), "error POST: jane's server is not running");
});

test("at most three answers are held open on a page", () => {
  const open = [made("sse"), made("long_polling"), made("sse")];
  globalThis.fetch = () => new Promise(() => {});
  for (const client of open) client.open();
  const fourth = made("sse");
  fourth.open();
  assert.equal(fourth.wanted, false);
  assert.match(fourth.trouble, /3 answers are held open/);
  fourth.open();
  assert.equal(said(fourth).length, 1); // it may be tried again and again
  assert.equal(fourth.crowded, true);
  made("websocket").open(); // takes none of the six connections
  assert.equal(FakeSource.made.at(-1).constructor, FakeWebSocket);
  open[0].close();
  fourth.open();
  assert.deepEqual([fourth.wanted, fourth.crowded, fourth.trouble], [true, false, ""]);
  assert.equal(hold(), null);
});

test("when the lab stops the goodbye is seen, and nothing new begins", async () => {
  const client = made("websocket");
  client.open();
  const [source] = FakeSource.made;
  source.fire("open", 1);
  source.tell({ hello: { last: 0 } });
  client.retire();
  mock.method(Math, "random", () => 0); // the shortest wait: it would try again before the end
  source.fire("close", 3, { code: 1001, reason: "the lab is stopped" });
  assert.ok(said(client).includes("close Disconnected: 1001 the lab is stopped"));
  mock.timers.tick(600);
  await turn();
  mock.timers.tick(60_000);
  await turn();
  assert.equal(FakeSource.made.length, 1);
  assert.equal(client.state, "CLOSED");
});

test("a view that is taken away says nothing more and leaves nothing open", async () => {
  let changes = 0;
  const client = made("websocket", { changed: () => { changes += 1; } });
  client.open();
  const [source] = FakeSource.made;
  source.fire("open", 1);
  client.destroy();
  const before = changes;
  assert.equal(source.closed, 1000);
  source.fire("close", 3, { code: 1000, reason: "" });
  mock.timers.tick(60_000);
  await turn();
  assert.equal(changes, before);
  assert.equal(FakeSource.made.length, 1);
});

test("why nothing comes about is told once, and again when it is another reason", async () => {
  const reasons = ["stopping", "stopped", "stopped", ""];
  const client = made("websocket", { explain: async () => reasons.shift() });
  const why = () => said(client).filter((line) => line.startsWith("why"));
  client.open();
  for (const [place, delay] of [750, 1_500, 3_000].entries()) {
    FakeSource.made[place].fire("close", 3, { code: 1006, reason: "" });
    await turn();
    mock.timers.tick(delay);
    await turn();
  }
  assert.deepEqual(why(), ["why stopping", "why stopped"]);
  assert.equal(client.trouble, "stopped");
  FakeSource.made[3].fire("close", 3, { code: 1006, reason: "" });
  await turn();
  assert.equal(client.trouble, ""); // the server is there: it is a matter of time now
  mock.timers.tick(6_000);
  await turn();
  FakeSource.made[4].tell({ hello: { last: 0 } });
  assert.equal(client.trouble, "");
  assert.equal(why().length, 2);
});

test("what is open is in doubt while its server is not to be had", async () => {
  let why = "stopped";
  const client = made("sse", { explain: async () => why });
  const shown = { dataset: {} };
  const state = () => {
    showState(shown, client);
    return [shown.textContent, shown.dataset.state];
  };
  client.open();
  await client.check(); // of what is not open yet, it says why
  assert.deepEqual([client.doubtful, client.trouble], [false, "stopped"]);
  FakeSource.made[0].fire("open", 1);
  assert.deepEqual(state(), ["● OPEN", "OPEN"]);
  await client.check();
  assert.deepEqual(state(), ["? OPEN, in doubt: no answer", "DOUBTFUL"]);
  assert.equal(said(client).at(-1), "why stopped");
  why = "";
  await client.check();
  assert.deepEqual(state(), ["● OPEN", "OPEN"]);
});

test("a reason that comes too late, or is none, is not told", async () => {
  let tell;
  const client = made("websocket", { explain: () => new Promise((done) => { tell = done; }) });
  client.open();
  FakeSource.made[0].fire("close", 3, { code: 1006, reason: "" });
  mock.timers.tick(750);
  await turn();
  FakeSource.made[1].tell({ hello: { last: 0 } });
  tell("too late");
  await turn();
  FakeSource.made[1].fire("close", 3, { code: 1006, reason: "" });
  tell("");
  await turn();
  assert.equal(client.trouble, "");
  assert.ok(!said(client).some((line) => line.startsWith("why")));
});

test("waiting ends at once when it is not wanted any more, and leaves no timer", async () => {
  mock.timers.reset();
  const timers = () => process.getActiveResourcesInfo().filter((it) => it === "Timeout").length;
  const before = timers();
  const stop = new AbortController();
  const waiting = sleep(1_000_000, stop.signal);
  assert.equal(timers(), before + 1);
  stop.abort();
  await waiting;
  await sleep(1_000_000, stop.signal); // not wanted from the start
  assert.equal(timers(), before);
});

test("publishing goes by POST where no connection goes up", async () => {
  let request;
  globalThis.fetch = async (url, options) => {
    request = options;
    return answer(201, { seq: 9 });
  };
  const client = made("sse");
  await client.send('{"a":1}');
  assert.deepEqual([request.method, request.body], ["POST", '{"a":1}']);
  assert.ok(said(client).includes("answer published as 9"));
  globalThis.fetch = async () => answer(400, { error: "Not JSON" });
  await client.send("x");
  assert.equal(said(client).at(-1), "error Not JSON");
});

test("who gave EventSource no event stream is not guessed", () => {
  assert.match(remarkOn(true, true), /the proxy, or a login page, answered instead/);
  assert.match(remarkOn(true, false), /it was refused/);
});

test("reasons of answers that are no success", () => {
  assert.equal(reasonOf('{"error": "no"}'), "no");
  assert.equal(reasonOf("<html>500</html>"), "a page for people");
  assert.equal(reasonOf(" Service Unavailable\n"), "Service Unavailable");
});
