// What the clients of a page share: places for answers that stay open, and waiting.

// Answers that stay open take a connection each. A page has six to a host, and Jupyter needs some.
const HELD = Symbol.for("rtlab.held");
const MOST_HELD = 3;

// Take a place for an answer that stays open; returns how to give it back, null if none is free.
export function hold() {
  const held = (globalThis[HELD] ??= new Set());
  const place = {};
  if (held.size >= MOST_HELD) return null;
  held.add(place);
  return () => held.delete(place);
}

// Resolve after a while, or at once when the signal says so.
export function sleep(delay, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delay);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
