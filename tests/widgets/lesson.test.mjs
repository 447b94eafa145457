import assert from "node:assert/strict";
import { mock, test } from "node:test";

const { after, backoff, codeOf } = await import(process.env.MODULE);

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

test("the code that is shown is that of the functions that run", () => {
  assert.match(codeOf("sse"), /^function eventSourceClient/);
  assert.match(codeOf("websocket"), /function backoff\(retries\)/);
  assert.ok(!/[^\x20-\x7e\n]/.test(Object.keys({ sse: 0 }).map(codeOf).join("")));
});
