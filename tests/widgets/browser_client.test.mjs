import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

const {
  Clock, Journal, Session, Tally, after, asJson, backoff, codeOf, cut, figuresOf, grainOf, hold, ms,
  quantile, reasonOf, sleep, verdict,
} = await import(process.env.RTLAB_MODULE);

// ── clock ──

test("a server's clock is put half way, and is wrong by half the round trip at the most", () => {
  const clock = new Clock();
  assert.equal(clock.server(0), null);
  clock.add(100, 5_000, 140); // asked at 100, arrived at 140
  assert.deepEqual(clock.best, { offset: 4_880, error: 20 });
  assert.equal(clock.server(1_000), 5_880);
});

test("of several exchanges the one with the shortest round trip counts", () => {
  const clock = new Clock();
  clock.add(0, 1_010, 20);
  clock.add(100, 1_101, 102);
  clock.add(200, 1_230, 260);
  assert.deepEqual(clock.best, { offset: 1_000, error: 1 });
  assert.match(String(clock), /±1\.0 ms.* of 3 /);
});

test("however the way is split, the true offset lies within the error", () => {
  for (const up of [0, 1, 5, 9, 10]) {
    const clock = new Clock();
    clock.add(50, 50 + up + 7_000, 60); // 10 ms in all, `up` of them on the way to the server
    assert.ok(Math.abs(clock.best.offset - 7_000) <= clock.best.error);
  }
});

test("exchanges that are contradicted by a newer one are forgotten", () => {
  const clock = new Clock();
  clock.add(0, 1_001, 2); // offset 1,000 ± 1
  clock.add(10, 61_060, 110); // offset 61,000 ± 50: one of the clocks stood still for a minute
  assert.equal(clock.count, 1);
  assert.deepEqual(clock.best, { offset: 61_000, error: 50 });
});

test("the grain of the page's clock is part of the error", () => {
  let now = 0;
  let reads = 0;
  const coarse = () => {
    reads += 1;
    if (reads % 10 === 0) now += 0.1;
    return now;
  };
  const grain = grainOf(coarse);
  assert.ok(grain > 0.09 && grain < 0.11);
  const clock = new Clock(1);
  clock.add(0, 0, 4);
  assert.equal(clock.best.error, 3);
  assert.equal(grainOf(() => 7), 1); // a clock that never moves
});

test("only so many exchanges are remembered", () => {
  const clock = new Clock();
  for (let turn = 0; turn < 100; turn += 1) clock.add(turn, turn, turn + 2);
  assert.equal(clock.count, 32);
});

test("milliseconds as people write them", () => {
  const written = [null, undefined, 0.04, 3.14, 12.3, 999, 1_234, 98_765].map(ms);
  assert.deepEqual(written, ["–", "–", "0.0 ms", "3.1 ms", "12 ms", "999 ms", "1.23 s", "98.8 s"]);
});

// ── tally ──

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

// ── small ones ──

test("quantiles", () => {
  assert.equal(quantile([], 0.5), null);
  assert.equal(quantile([10, 9, 1], 0.5), 9); // sorted as numbers, not as text
  assert.equal(quantile([1, 2, 3, 4], 1), 4);
});

test("long texts are cut, and say how long they were", () => {
  assert.equal(cut("short"), "short");
  assert.equal(cut("x".repeat(1_000_000), 3), "xxx… (1,000,000 characters)");
});

test("what is no JSON is sent as a string", () => {
  assert.equal(asJson('{"a": 1}'), '{"a": 1}');
  assert.equal(asJson('say "hi"'), '"say \\"hi\\""');
  assert.equal(asJson(""), '""');
});

test("reasons of answers that are no success", () => {
  assert.equal(reasonOf('{"error": "no"}'), "no");
  assert.equal(reasonOf("<html>500</html>"), "a page for people");
  assert.equal(reasonOf(" Service Unavailable\n"), "Service Unavailable");
});

test("the cursor goes into the address, a token stays", () => {
  assert.equal(String(after(7, "http://a/events?token=x")), "http://a/events?token=x&since=7");
  assert.equal(String(after(null, "http://a/events")), "http://a/events");
});

test("the backoff doubles up to 30 s, half of it by chance", () => {
  const bounds = (retries) => [0, 0.999999].map((chance) => {
    const random = mock.method(Math, "random", () => chance);
    const delay = Math.round(backoff(retries));
    random.mock.restore();
    return delay;
  });
  assert.deepEqual([0, 1, 4, 5, 99].map(bounds),
    [[500, 1000], [1000, 2000], [8000, 16000], [15000, 30000], [15000, 30000]]);
});

test("every way that does not work says what to do", () => {
  const origin = "https://hub.example.org";
  const say = (found) => verdict({ origin, proxied: true, ...found });
  assert.equal(say({ status: 200, said: { perf_counter_ns: 5 } }), "");
  assert.match(say({ status: 403, said: { error: "Origin 'x' may not" } }), /lab\.allow\('https/);
  assert.match(say({ status: 403, said: "Origin 'x' may not. lab.allow(origin)" }), /lab\.allow\('/);
  assert.match(say({ status: 403, said: { error: "This lab has a token." } }), /token/);
  assert.match(say({ proxied: false, hidden: true }), /CORS.*lab\.allow\('https:\/\/hub/);
  assert.match(say({ proxied: false, hidden: false }), /Nothing answers/);
  assert.match(say({ status: 404, said: "<html>" }), /pip install jupyter-server-proxy/);
  assert.match(say({ status: 500, said: "<html>" }), /server is not \(500\)/);
  assert.match(say({ status: 403, said: "<html>" }), /log in/);
  assert.match(say({ status: 200, said: "<html>a login page</html>" }), /log in/);
  assert.match(say({}), /Jupyter itself/);
});

// ── journal ──

const CLOCK = { server: (at) => at + 1_000 }; // ms
const message = (seq, at, data = null) => ({ seq, data, published_ns: (at + 1_000) * 1e6 });

test("a message that was published while connected has its latency counted", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  assert.deepEqual(journal.receive(message(1, 110), 113), { live: true, how: "in order" });
  assert.deepEqual(journal.latencies, [3]);
  assert.equal(journal.lines.at(-1).latency, 3);
});

test("one that waited for the connection is counted apart", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  assert.deepEqual(journal.receive(message(1, 40), 101), { live: false, how: "in order" });
  assert.deepEqual([journal.latencies, journal.waited], [[], 1]);
  assert.equal(journal.lines.at(-1).latency, 61);
});

test("an outage knows what came after it, and from when to when it was", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.begin();
  journal.open(100);
  journal.receive(message(1, 50), 101);
  journal.lose(200);
  journal.lose(210); // an attempt that failed
  journal.open(300);
  journal.receive(message(2, 250), 301);
  journal.receive(message(3, 299), 301);
  journal.receive(message(4, 301), 302);
  assert.deepEqual(journal.outages, [{ from: 200, to: 300, filled: 2, givenUp: false }]);
  assert.deepEqual([journal.reconnects, journal.waited, journal.latencies], [1, 3, [1]]);
});

test("what was published before an outage was not published in it", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(100);
  journal.lose(200);
  journal.open(300);
  journal.receive(message(1, 150), 301); // another way, say, on which it was not seen
  assert.equal(journal.outages[0].filled, 0);
});

test("what comes twice has no second latency", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(0);
  journal.receive(message(1, 5), 6);
  assert.deepEqual(journal.receive(message(1, 5), 90), { live: true, how: "twice" });
  assert.deepEqual(journal.latencies, [1]);
});

test("connecting again on purpose is no reconnect", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.begin();
  journal.open();
  journal.close();
  journal.begin();
  journal.open();
  assert.equal(journal.reconnects, 0);
});

test("without a clock there is no latency, and no guess", () => {
  const journal = new Journal(new Clock(), () => {});
  journal.open(0);
  journal.receive(message(1, 5), 6);
  assert.equal(journal.lines.at(-1).latency, null);
  assert.equal(journal.figures.median, null);
});

test("whatever comes, a journal stays small", () => {
  const journal = new Journal(CLOCK, () => {});
  journal.open(0);
  for (let seq = 1; seq <= 10_000; seq += 1) journal.receive(message(seq, seq), seq + 1);
  journal.receive(message(10_001, 1, "x".repeat(1 << 20)), 2);
  for (let turn = 0; turn < 100; turn += 1) {
    journal.lose();
    journal.open();
  }
  assert.ok(journal.lines.length <= 400 && journal.latencies.length <= 2_000);
  assert.equal(journal.outages.length, 20);
  assert.deepEqual([journal.tally.received, journal.tally.lost], [10_001, 0]);
  assert.ok(journal.lines.at(-1).text.length < 250);
  assert.ok(JSON.stringify(journal.report).length < 20_000);
});

test("a page that is loaded again goes on where it was", () => {
  const before = new Journal(CLOCK, () => {});
  before.open(0);
  before.receive(message(1, 1), 2);
  before.receive(message(4, 1), 2);
  const next = new Journal(CLOCK, () => {});
  next.restore(JSON.parse(JSON.stringify(before.report)));
  assert.deepEqual(next.tally.state, before.tally.state);
  assert.deepEqual(next.lines, before.lines);
  assert.equal(next.noted, next.lines.length);
});

// ── session ──

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

function sessionOf(transport, options = {}) {
  return new Session(transport, {
    url: () => "http://127.0.0.1:1/x", clock: CLOCK, changed: () => {}, period: 1000,
    explain: async () => "", proxied: () => false, revive: false, ...options,
  });
}

const said = (session) => session.journal.lines.map(({ what, text }) => `${what} ${text}`.trim());
const turn = () => new Promise((resolve) => setImmediate(resolve));
let sessions = [];
const made = (...arguments_) => {
  sessions.push(sessionOf(...arguments_));
  return sessions.at(-1);
};

beforeEach(() => {
  FakeSource.made = [];
  globalThis.EventSource = FakeEventSource;
  globalThis.WebSocket = FakeWebSocket;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 0.5);
});

afterEach(() => {
  for (const session of sessions) session.destroy();
  sessions = [];
  mock.timers.reset();
  mock.restoreAll();
});

test("EventSource: states, messages and what comes back by itself", async () => {
  const session = made("sse");
  assert.equal(session.state, "CLOSED");
  session.open();
  const [source] = FakeSource.made;
  assert.equal(session.state, "CONNECTING");
  source.fire("open", 1);
  assert.equal(session.state, "OPEN");
  source.tell(message(1, 5));
  source.fire("error", 0);
  assert.equal(session.state, "CONNECTING");
  source.fire("open", 1);
  source.tell(message(2, 5));
  assert.equal(session.journal.reconnects, 1);
  assert.equal(session.journal.tally.received, 2);
  assert.equal(FakeSource.made.length, 1); // the same object: nothing of ours reconnects
  session.close();
  assert.equal(source.closed, true);
  assert.equal(session.state, "CLOSED");
});

test("EventSource that has given up: connecting again goes on after the last message", async () => {
  const session = made("sse", { explain: async () => "because", proxied: () => true });
  session.open();
  FakeSource.made[0].fire("open", 1);
  FakeSource.made[0].tell(message(7, 5));
  FakeSource.made[0].fire("error", 2);
  await turn();
  assert.equal(session.wanted, false);
  assert.match(said(session).join("\n"), /given up.*proxy.*\n.*after message 7\.\nwhy because/);
  mock.timers.tick(60_000);
  assert.equal(FakeSource.made.length, 1);
  session.open();
  assert.match(FakeSource.made[1].url, /since=7$/);
});

test("EventSource that has given up is made anew where a view wants it, ever more slowly", () => {
  const session = made("sse", { revive: true });
  session.open();
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
    assert.equal(session.journal.outages[0].givenUp, true);
    FakeSource.made[1].fire("error", 2);
    mock.timers.tick(1_499);
    await turn();
    assert.equal(FakeSource.made.length, 2);
    mock.timers.tick(1);
    await turn();
    FakeSource.made[2].fire("open", 1);
    assert.equal(session.journal.reconnects, 1);
    assert.notEqual(session.journal.outages[0].to, null);
  });
});

test("what a feed no longer holds is told", () => {
  const session = made("sse");
  session.open();
  const gap = { error: "gone", lost: [1, 5], resume: 5 };
  FakeSource.made[0].fire("lost", 1, { data: JSON.stringify(gap) });
  assert.equal(session.journal.tally.lost, 5);
  assert.ok(said(session).includes("lost gone"));
});

test("WebSocket: hello with the cursor, retries counted and set back, a close code", async () => {
  const session = made("websocket");
  session.open();
  const [first] = FakeSource.made;
  first.fire("open", 1);
  assert.deepEqual(first.sent, [{ since: null }]);
  assert.equal(session.journal.up, false); // a proxy opens for nobody
  first.tell({ hello: { last: 3 } });
  assert.equal(session.journal.up, true);
  first.tell(message(3, 5));
  first.fire("close", 3, { code: 1006, reason: "" });
  assert.ok(said(session).includes("close Disconnected: 1006"));
  assert.match(session.detail, /750 ms/);
  for (const [delay, next] of [[750, "1.50 s"], [1_500, "3.00 s"], [3_000, "6.00 s"]]) {
    mock.timers.tick(delay);
    await turn();
    FakeSource.made.at(-1).fire("close", 3, { code: 1006, reason: "" });
    assert.match(session.detail, new RegExp(next.replace(".", "\\.")));
  }
  mock.timers.tick(6_000);
  await turn();
  const last = FakeSource.made.at(-1);
  last.fire("open", 1);
  assert.deepEqual(last.sent, [{ since: 3 }]);
  last.tell({ hello: { last: 3 } });
  last.fire("close", 3, { code: 1001, reason: "the lab is stopped" });
  assert.match(session.detail, /750 ms/); // counted from the beginning again
  assert.equal(session.journal.reconnects, 1);
});

test("WebSocket: what is our own fault is not tried again", async () => {
  const session = made("websocket");
  session.open();
  FakeSource.made[0].fire("close", 3, { code: 1009, reason: "too big" });
  mock.timers.tick(60_000);
  await turn();
  assert.equal(FakeSource.made.length, 1);
  assert.equal(session.wanted, false);
});

test("WebSocket: what is sent is acknowledged, and does not come back", async () => {
  const session = made("websocket");
  await session.send('"early"');
  assert.match(said(session)[0], /not done.*connect first/);
  session.open();
  const [source] = FakeSource.made;
  source.fire("open", 1);
  source.tell({ hello: { last: 0 } });
  source.tell(message(1, 5));
  await session.send('"mine"');
  assert.equal(source.sent.at(-1), "mine");
  source.tell({ ack: 2 });
  source.tell(message(3, 5));
  assert.deepEqual([session.journal.tally.lost, session.journal.tally.received], [0, 2]);
});

test("WebSocket: after a gap it goes on where the feed begins", async () => {
  const session = made("websocket");
  session.open();
  FakeSource.made[0].tell({ lost: { error: "gone", lost: [1, 8], resume: 8 } });
  FakeSource.made[0].fire("close", 3, { code: 1006, reason: "" });
  mock.timers.tick(750);
  await turn();
  FakeSource.made[1].fire("open", 1);
  assert.deepEqual(FakeSource.made[1].sent, [{ since: 8 }]);
  assert.equal(session.journal.tally.lost, 8);
});

test("WebSocket: through the proxy a lost code is explained", () => {
  for (const [proxied, code, told] of [[true, 1005, 1], [true, 1001, 0], [false, 1006, 0]]) {
    const session = made("websocket", { proxied: () => proxied });
    session.open();
    FakeSource.made.at(-1).fire("close", 3, { code, reason: "" });
    assert.equal(said(session).filter((line) => /lost in Jupyter's proxy/.test(line)).length, told);
  }
});

test("an old WebSocket that closes late does not disturb the new one", () => {
  const session = made("websocket");
  session.open();
  const [old] = FakeSource.made;
  session.close();
  session.open();
  const [, young] = FakeSource.made;
  young.fire("open", 1);
  young.tell({ hello: { last: 0 } });
  old.fire("close", 3, { code: 1000, reason: "" });
  assert.equal(session.state, "OPEN");
  assert.equal(session.journal.up, true);
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
  const session = made("polling");
  session.open();
  assert.equal(session.state, "ASKING");
  for (let step = 0; step < 5; step += 1) await turn();
  assert.equal(session.state, "WAITING");
  mock.timers.tick(1_000);
  for (let step = 0; step < 5; step += 1) await turn();
  assert.deepEqual(asked, ["http://127.0.0.1:1/x", "http://127.0.0.1:1/x?since=2"]);
  session.close();
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
  const session = made("long_polling");
  session.open();
  for (let step = 0; step < 5; step += 1) await turn();
  assert.ok(said(session).includes("error 500 Internal Server Error: broken"));
  assert.equal(session.state, "WAITING");
  mock.timers.tick(750);
  for (let step = 0; step < 9; step += 1) await turn();
  assert.deepEqual(asked.map((url) => url.split("=")[1]), [undefined, undefined, "4", "4", "5"]);
  assert.deepEqual([session.journal.tally.received, session.journal.tally.lost], [1, 4]);
  session.close();
  await turn();
  assert.equal(said(session).at(-1), "close by this page"); // an abort of ours is no error
});

test("at most three answers are held open on a page", () => {
  const open = [made("sse"), made("long_polling"), made("sse")];
  globalThis.fetch = () => new Promise(() => {});
  for (const session of open) session.open();
  const fourth = made("sse");
  fourth.open();
  assert.equal(fourth.wanted, false);
  assert.match(fourth.trouble, /3 answers are held open/);
  made("websocket").open(); // takes none of the six connections
  assert.equal(FakeSource.made.at(-1).constructor, FakeWebSocket);
  open[0].close();
  fourth.open();
  assert.equal(fourth.wanted, true);
  assert.equal(hold(), null);
});

test("when the lab stops the goodbye is seen, and nothing new begins", async () => {
  const session = made("websocket");
  session.open();
  const [source] = FakeSource.made;
  source.fire("open", 1);
  source.tell({ hello: { last: 0 } });
  session.retire();
  mock.method(Math, "random", () => 0); // the shortest wait: it would try again before the end
  source.fire("close", 3, { code: 1001, reason: "the lab is stopped" });
  assert.ok(said(session).includes("close Disconnected: 1001 the lab is stopped"));
  mock.timers.tick(600);
  await turn();
  mock.timers.tick(60_000);
  await turn();
  assert.equal(FakeSource.made.length, 1);
  assert.equal(session.state, "CLOSED");
});

test("a view that is taken away says nothing more and leaves nothing open", async () => {
  let changes = 0;
  const session = made("websocket", { changed: () => { changes += 1; } });
  session.open();
  const [source] = FakeSource.made;
  source.fire("open", 1);
  session.destroy();
  const before = changes;
  assert.equal(source.closed, 1000);
  source.fire("close", 3, { code: 1000, reason: "" });
  mock.timers.tick(60_000);
  await turn();
  assert.equal(changes, before);
  assert.equal(FakeSource.made.length, 1);
});

test("why nothing comes about is asked once, and not told when it has come about", async () => {
  let asked = 0;
  const session = made("websocket", { explain: async () => `reason ${(asked += 1)}` });
  session.open();
  FakeSource.made[0].fire("close", 3, { code: 1006, reason: "" });
  mock.timers.tick(750);
  await turn();
  FakeSource.made[1].fire("close", 3, { code: 1006, reason: "" });
  await turn();
  assert.equal(asked, 1);
  assert.equal(session.trouble, "reason 1");
  mock.timers.tick(1_500);
  await turn();
  FakeSource.made[2].tell({ hello: { last: 0 } });
  assert.equal(session.trouble, "");
});

test("a reason that comes too late, or is none, is not told", async () => {
  let tell;
  const session = made("websocket", { explain: () => new Promise((done) => { tell = done; }) });
  session.open();
  FakeSource.made[0].fire("close", 3, { code: 1006, reason: "" });
  mock.timers.tick(750);
  await turn();
  FakeSource.made[1].tell({ hello: { last: 0 } });
  tell("too late");
  await turn();
  FakeSource.made[1].fire("close", 3, { code: 1006, reason: "" });
  tell("");
  await turn();
  assert.equal(session.trouble, "");
  assert.ok(!said(session).some((line) => line.startsWith("why")));
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
  const session = made("sse");
  await session.send('{"a":1}');
  assert.deepEqual([request.method, request.body], ["POST", '{"a":1}']);
  assert.ok(said(session).includes("answer published as 9"));
  globalThis.fetch = async () => answer(400, { error: "Not JSON" });
  await session.send("x");
  assert.equal(said(session).at(-1), "error Not JSON");
});

test("figures are all there, in words", () => {
  const session = made("sse");
  const names = figuresOf(session, 5).map(([name]) => name);
  for (const name of ["received", "lost", "twice", "reconnects", "cursor"]) {
    assert.ok(names.includes(name), name);
  }
});

test("the code that is shown is that of the functions that run", () => {
  assert.match(codeOf("sse"), /^function eventSourceClient/);
  assert.match(codeOf("websocket"), /function backoff\(retries\)/);
  assert.ok(!/[^\x20-\x7e\n]/.test(Object.keys({ sse: 0 }).map(codeOf).join("")));
});
