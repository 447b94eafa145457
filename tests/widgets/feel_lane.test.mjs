import assert from "node:assert/strict";
import test, { mock } from "node:test";

const { Lane, Trips, share } = await import(process.env.MODULE);

const A = { x: 0.1, y: 0.1 };
const B = { x: 0.2, y: 0.2 };
const C = { x: 0.3, y: 0.3 };
const settle = () => new Promise((resolve) => setImmediate(resolve));
const pass = (ms) => {
  mock.timers.tick(ms);
  return settle();
};

// ── round trips ──

function trips() {
  const clock = { ms: 0 };
  return [new Trips(() => clock.ms), clock];
}

test("a round trip lasts from the sending to the coming back", () => {
  const [it, clock] = trips();
  for (const lag of [10, 30, 20]) {
    const number = it.send(A);
    clock.ms += lag;
    it.land(number);
  }
  assert.deepEqual(it.figures, { sent: 3, back: 3, median: 0.02, p95: 0.03 });
});

test("nothing came back: there is nothing to say about lag", () => {
  const [it] = trips();
  it.send(A);
  assert.deepEqual(it.figures, { sent: 1, back: 0, median: null, p95: null });
  assert.equal(it.shown, null);
});

test("a position that comes late does not take the dot back", () => {
  const [it] = trips();
  const [one, two] = [it.send(A), it.send(B)];
  it.land(two);
  assert.equal(it.shown, B);
  it.land(one);
  assert.equal(it.shown, B);
  assert.equal(it.back, 2);
});

test("what was never sent, or comes twice, counts for nothing", () => {
  const [it] = trips();
  const number = it.send(A);
  it.land(number);
  for (const wrong of [number, 99, -1, NaN, "1", undefined, {}]) it.land(wrong);
  assert.equal(it.back, 1);
});

test("acknowledgements come in order; those of a lost connection never do", () => {
  const [it] = trips();
  it.send(A);
  it.send(B);
  it.landNext();
  assert.equal(it.shown, A);
  it.lose();
  it.landNext();
  assert.equal(it.shown, A);
  it.send(C);
  it.landNext();
  assert.equal(it.shown, C);
  assert.equal(it.back, 2);
});

test("what is under way and what figures are taken from is bounded", () => {
  const [it, clock] = trips();
  for (let number = 0; number < 2000; number += 1) it.send(A);
  it.land(1); // given up long ago
  assert.equal(it.back, 0);
  it.land(2000);
  assert.equal(it.back, 1);
  for (let number = 0; number < 1000; number += 1) {
    const sent = it.send(A);
    clock.ms += number < 700 ? 1000 : 5;
    it.land(sent);
  }
  assert.equal(it.figures.p95, 0.005); // the newest 300
});

test("a link that has changed is measured anew, and counts go on", () => {
  const [it] = trips();
  it.land(it.send(A));
  it.anew();
  assert.deepEqual(it.figures, { sent: 1, back: 1, median: null, p95: null });
});

test("a share of values is one of them", () => {
  assert.equal(share([], 0.5), null);
  assert.equal(share([7], 0.95), 7);
  assert.equal(share([3, 1, 2], 0), 1);
  assert.equal(share([3, 1, 2], 1), 3);
  assert.equal(share(Array.from({ length: 100 }, (_, place) => 99 - place), 0.95), 95);
});

// ── lanes, on native objects that do what the test says ──

class Native extends EventTarget {
  static last = null;
  readyState = 0;
  bufferedAmount = 0;
  sent = [];
  constructor(url) {
    super();
    this.url = String(url);
    Native.last = this;
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  // Fire an event as a browser does: listeners first here, then the handler.
  fire(type, more = {}) {
    const event = Object.assign(new Event(type), more);
    this.dispatchEvent(event);
    this[`on${type}`]?.(event);
  }
  open() {
    this.readyState = 1;
    this.fire("open");
  }
  says(value) {
    this.fire("message", { data: JSON.stringify(value) });
  }
}

function lane(transport, t) {
  const asked = [];
  const answers = [];
  globalThis.WebSocket = globalThis.EventSource = Native;
  globalThis.fetch = (url, options = {}) =>
    new Promise((resolve, reject) => {
      const { signal, body, method } = options;
      signal?.addEventListener("abort", () => reject(new Error("aborted")));
      asked.push({ url: String(url), method: method ?? "GET", body: body && JSON.parse(body) });
      const say = (value, status = 200) => resolve({
        ok: status < 300, status, statusText: "said", json: async () => value,
      });
      const page = () => resolve({ ok: true, status: 200, json: async () => JSON.parse("<html>") });
      answers.push({ say, page, fail: () => reject(new TypeError("nobody there")) });
    });
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const made = new Lane(transport, {
    id: "page", url: () => "http://127.0.0.1:1/x", period: () => 500, changed: () => {},
  });
  t.after(() => made.close());
  const posts = () => asked.filter(({ method }) => method === "POST").map(({ body }) => body);
  const gets = () => asked.filter(({ method }) => method === "GET").map(({ url }) => url);
  return { lane: made, asked, answers, posts, gets };
}

const message = (seq, n, via, feel = "page") => ({ seq, published_ns: 0, data: { feel, via, n } });

test("a WebSocket is sent every new position, once the server has said hello", (t) => {
  const { lane: it } = lane("websocket", t);
  it.open(7);
  Native.last.open();
  it.offer(A);
  assert.deepEqual(Native.last.sent, [{ since: 7 }]); // a proxy opens for nobody as well
  Native.last.says({ hello: { last: 7 } });
  assert.equal(it.state, "open");
  for (const position of [A, A, B]) it.offer(position);
  const said = Native.last.sent.slice(1);
  assert.deepEqual(said.map(({ n, x, via, feel }) => [n, x, via, feel]),
    [[1, 0.1, "websocket", "page"], [2, 0.2, "websocket", "page"]]);
  Native.last.says({ ack: 8 });
  assert.equal(it.trips.shown, A);
  Native.last.bufferedAmount = 1e6;
  it.offer(C);
  assert.equal(Native.last.sent.length, 3);
});

test("a WebSocket that is cut comes back, and what was under way is given up", async (t) => {
  const { lane: it } = lane("websocket", t);
  it.open(0);
  Native.last.open();
  Native.last.says({ hello: { last: 0 } });
  it.offer(A);
  const first = Native.last;
  first.fire("close", { code: 1006, reason: "" });
  assert.match(it.state, /^again in \d\.\d s$/);
  it.offer(B);
  await pass(1000);
  assert.notEqual(Native.last, first);
  Native.last.open();
  Native.last.says({ hello: { last: 1 } });
  it.offer(C);
  Native.last.says({ ack: 2 });
  assert.equal(it.trips.shown, C);
  assert.deepEqual([it.trips.sent, it.trips.back], [2, 1]);
});

test("one POST at a time, and the next one has the newest position", async (t) => {
  const { lane: it, answers, posts } = lane("sse", t);
  it.open(3);
  assert.match(Native.last.url, /since=3/);
  for (const position of [A, B, C]) it.offer(position);
  assert.deepEqual(posts().map(({ x }) => x), [0.1]);
  answers[0].say({ seq: 4 }, 201);
  await settle();
  it.offer(C);
  assert.deepEqual(posts().map(({ x, n }) => [x, n]), [[0.1, 1], [0.3, 2]]);
});

test("a POST that fails is followed by none for a while", async (t) => {
  for (const failing of [
    (answer) => answer.fail(),
    (answer) => answer.page(),
    (answer) => answer.say({ error: "no" }, 403),
    (answer) => answer.say({ message: "the server is not running" }, 424),
  ]) {
    const { lane: it, answers, posts } = lane("sse", t);
    it.open(0);
    it.offer(A);
    failing(answers[0]);
    await settle();
    it.offer(B);
    assert.equal(posts().length, 1);
    await pass(1000);
    it.offer(B);
    assert.equal(posts().length, 2);
    it.close();
  }
});

test("a page for people in place of messages is no open client", async (t) => {
  const { lane: it, answers } = lane("polling", t);
  const states = new Set();
  it.changed = () => states.add(it.state);
  it.open(0);
  answers[0].page();
  await settle();
  assert.match(it.state, /^again in/);
  assert.ok(!states.has("open"));
});

test("an event of its own moves the dot, those of others do not", (t) => {
  const { lane: it } = lane("sse", t);
  it.open(0);
  Native.last.open();
  it.offer(A);
  Native.last.says(message(1, 1, "websocket"));
  Native.last.says(message(2, 1, "sse", "another page"));
  Native.last.says({ seq: 3, data: null });
  Native.last.says({ seq: 4, data: "text" });
  assert.equal(it.trips.back, 0);
  Native.last.says(message(5, 1, "sse"));
  assert.equal(it.trips.shown, A);
});

test("an EventSource that gave up is made anew, from where it was", async (t) => {
  const { lane: it } = lane("sse", t);
  it.open(0);
  const first = Native.last;
  first.open();
  first.says(message(9, 1, "sse"));
  first.readyState = 0;
  first.fire("error");
  assert.equal(it.state, "connecting"); // it comes back by itself
  assert.equal(Native.last, first);
  first.readyState = 2;
  first.fire("error");
  await pass(1000);
  assert.notEqual(Native.last, first);
  assert.match(Native.last.url, /since=9/);
});

test("polling asks again after its period, long polling at once", async (t) => {
  for (const [transport, asks] of [["polling", 1], ["long_polling", 2]]) {
    const { lane: it, answers, gets } = lane(transport, t);
    it.open(5);
    it.offer(A);
    answers[0].say([message(6, 1, transport)]);
    await settle();
    assert.equal(it.state, "open");
    assert.equal(it.trips.back, 1);
    assert.equal(gets().length, asks);
    await pass(500);
    assert.equal(gets().length, 2);
    assert.match(gets()[1], /since=6/);
    it.close();
  }
});

test("no news, a gap and an answer that is none are lived through", async (t) => {
  const { lane: it, answers, gets } = lane("long_polling", t);
  it.open(5);
  answers[0].say(null, 204);
  await settle();
  answers[1].say({ error: "gone", resume: 40 }, 410);
  await settle();
  assert.match(gets()[2], /since=40/);
  answers[2].say("oops", 500);
  await settle();
  assert.match(it.state, /^again in/);
  await pass(1000);
  assert.equal(gets().length, 4);
});

test("who closes a lane asks and sends no more, whatever still comes", async (t) => {
  for (const transport of ["polling", "long_polling", "sse", "websocket"]) {
    const { lane: it, answers, asked } = lane(transport, t);
    it.open(0);
    Native.last?.open();
    it.offer(A);
    it.close();
    const count = asked.length;
    for (const answer of answers) answer.say([message(1, 1, transport)]);
    await settle();
    await pass(60_000);
    it.offer(B);
    assert.equal(asked.length, count, transport);
    assert.deepEqual([it.state, it.trips.back], ["off", 0], transport);
  }
});

test("no more answers are held open than a page can bear", (t) => {
  const lanes = Array.from({ length: 4 }, () => lane("sse", t).lane);
  for (const it of lanes) it.open(0);
  assert.deepEqual(lanes.map(({ on }) => on), [true, true, true, false]);
  assert.match(lanes[3].state, /three answers are held open/);
  lanes[0].close();
  lanes[3].open(0);
  assert.equal(lanes[3].on, true);
});
