import assert from "node:assert/strict";
import { test } from "node:test";

const { verdict } = await import(process.env.MODULE);

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

test("a server that a hub has stopped is told from a reader who is logged out", () => {
  const say = (found) => verdict({ origin: "", proxied: true, said: "<html>", ...found });
  const stopped = /server is not running: start it in the hub's control panel/;
  assert.match(say({ status: 424 }), stopped);
  assert.match(say({ status: 503 }), stopped);
  assert.match(say({ status: 200, landed: "/hub/spawn-pending/jane" }), stopped);
  assert.match(say({ status: 500, landed: "/base/hub/user/jane/proxy/1/clock" }), stopped);
  for (const landed of ["/hub/login", "/base/hub/login", "/login"]) {
    assert.match(say({ status: 200, landed }), /logged out: log in and reload/);
  }
  assert.match(say({ proxied: false, status: 503 }), /Nothing answers/); // no hub on that way
});
