// The server's clock, seen from this page. Messages are stamped on the server's clock and received
// on the page's: who wants to know how long they took must know how far apart the two are.

const EXCHANGES = 32; // that are remembered
const LONGEST = 5000; // ms that an answer may take: later ones tell little

// The smallest step of the page's clock, in ms: browsers make it coarse on purpose.
export function grainOf(now = () => performance.now()) {
  let grain = Infinity;
  for (let step = 0; step < 5; step += 1) {
    const before = now();
    let after = before;
    for (let turn = 0; turn < 1e6 && after === before; turn += 1) after = now();
    if (after > before) grain = Math.min(grain, after - before);
  }
  return Number.isFinite(grain) ? grain : 1;
}

export class Clock {
  #exchanges = []; // oldest first

  constructor(grain = 0) {
    this.grain = grain;
  }

  // Take one question and its answer: when it was asked, what the server's clock said, when that
  // arrived; all in ms, the first and the last on the page's clock. The server looked at its clock
  // somewhere in between: half way is wrong by half the round trip at the most.
  add(asked, said, arrived) {
    const offset = said - (asked + arrived) / 2;
    const error = (arrived - asked) / 2 + this.grain;
    // What contradicts this one is older, and wrong by now: a machine that slept, say.
    const agrees = (other) => Math.abs(other.offset - offset) <= other.error + error;
    this.#exchanges = [...this.#exchanges.filter(agrees), { offset, error }].slice(-EXCHANGES);
  }

  get count() {
    return this.#exchanges.length;
  }

  // The offset of the exchange with the shortest round trip, and by how much it may be wrong.
  get best() {
    const least = (one, other) => (other.error < one.error ? other : one);
    return this.#exchanges.length ? this.#exchanges.reduce(least) : null;
  }

  // What the server's clock says when the page's says `at`; null before the first exchange.
  server(at) {
    return this.best && at + this.best.offset;
  }

  toString() {
    if (!this.best) return "The clocks of server and page are not compared yet.";
    return `Latency is right to ±${ms(this.best.error)}: half the shortest round trip of ` +
      `${this.count} in which this page asked the server's clock.`;
  }
}

// Milliseconds as people write them.
export function ms(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
  return `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} ms`;
}

// Ask the clock at `url` so many times; whether it answered each time.
export async function askClock(clock, url, times, signal) {
  for (let turn = 0; turn < times && !signal.aborted; turn += 1) {
    try {
      const asked = performance.now();
      const patience = AbortSignal.any([signal, AbortSignal.timeout(LONGEST)]);
      const answer = await fetch(url, { cache: "no-store", signal: patience });
      const arrived = performance.now();
      const said = (await answer.json()).perf_counter_ns;
      if (!Number.isFinite(said)) return false;
      clock.add(asked, said / 1e6, arrived);
    } catch {
      return false;
    }
  }
  return true;
}
