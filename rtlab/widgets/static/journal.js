// What a client has been through: what it did, line by line, which messages came, how long they
// took, and when nothing was open.

const LOG_LINES = 200;
const LATENCIES = 1000; // that the figures are taken from
const OUTAGES = 20; // that are remembered

export class Journal {
  tally = new Tally();
  reconnects = 0;
  waited = 0; // messages that were published while nothing was open, and came afterwards
  latencies = []; // ms, of those that were not
  lines = []; // { at, what, text, latency }, oldest first
  noted = 0; // lines, ever
  outages = []; // { from, to, filled, givenUp, ended }: `to` is null while it lasts
  #upSince = null;
  #wasUp = false;

  // `clock` says what the server's clock says. `changed()` is called after every change.
  constructor(clock, changed) {
    this.clock = clock;
    this.changed = changed;
  }

  get up() {
    return this.#upSince !== null;
  }

  // Write a line. What came over a wire may be long: it is cut.
  note(what, text = "", latency = null) {
    this.lines.push({ at: Date.now(), what, text: cut(String(text)), latency });
    this.noted += 1;
    if (this.lines.length >= 2 * LOG_LINES) this.lines.splice(0, LOG_LINES);
    this.changed();
  }

  // A reader connects: what opens next is no reconnect.
  begin() {
    this.#wasUp = false;
  }

  // Something is open, since just now.
  open(at = performance.now()) {
    if (this.up) return;
    this.#upSince = at;
    if (this.#wasUp) this.reconnects += 1;
    this.#wasUp = true;
    const last = this.outages.at(-1);
    if (last && last.to === null) last.to = at;
    this.changed();
  }

  // Nothing is open any more, though something should be.
  lose(at = performance.now()) {
    if (this.up) {
      const outage = { from: at, to: null, filled: 0, givenUp: false };
      this.outages = [...this.outages, outage].slice(-OUTAGES);
    }
    this.#upSince = null;
    this.changed();
  }

  // Nothing is open any more, and nothing shall be.
  close() {
    this.#upSince = null;
    const last = this.outages.at(-1);
    if (last && last.to === null) Object.assign(last, { to: performance.now(), ended: true });
    this.changed();
  }

  // Take a message in. Returns how it came (see Tally), and whether it was published while this
  // client was connected: of one that had to wait, the waiting counts as latency, but not here.
  receive(message, at = performance.now()) {
    const published = message.published_ns / 1e6;
    const now = this.clock.server(at);
    const latency = now === null ? null : now - published;
    const live = now !== null && this.up && published >= this.clock.server(this.#upSince);
    const how = this.tally.take(message.seq);
    if (how !== "twice" && live) this.latencies.push(latency);
    if (how !== "twice" && !live) this.#cameAfterwards(published);
    if (this.latencies.length >= 2 * LATENCIES) this.latencies.splice(0, LATENCIES);
    const text = `${message.seq}: ${JSON.stringify(message.data)}`;
    this.note(how === "in order" ? "message" : how, text, latency);
    return { live, how };
  }

  get figures() {
    const [median, p95, most] = quantiles(this.latencies, [0.5, 0.95, 1]);
    return { count: this.latencies.length, median, p95, most };
  }

  // All that a page which is loaded again must know to go on.
  get report() {
    const { reconnects, waited, figures, tally } = this;
    const lines = this.lines.slice(-50);
    return { reconnects, waited, figures, lines, lost: tally.lost, ...tally.state };
  }

  restore(report) {
    this.tally.restore(report);
    this.reconnects = report.reconnects;
    this.waited = report.waited;
    this.lines = [...report.lines];
    this.noted = this.lines.length;
  }

  #cameAfterwards(published) {
    this.waited += 1;
    const last = this.outages.at(-1);
    if (last && published >= this.clock.server(last.from)) last.filled += 1;
  }
}
