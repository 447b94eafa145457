// One transport to feel: the round trips of its positions, its client, and the way up.

const KEPT = 300; // round trips that the figures are taken from
const UNDER_WAY = 500; // positions that may be; older ones are given up
const BUFFERED = 16_384; // bytes that may wait in the browser before a WebSocket gets no more

// The value below which so much (0 to 1) of them lies; null of nothing.
export function share(values, part) {
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

// The round trips of one transport: positions that were sent, and those that came back.
export class Trips {
  sent = 0;
  back = 0;
  shown = null; // the newest position that came back
  #newest = 0;
  #under = new Map(); // number to position and time of sending
  #lags = []; // ms

  constructor(now = () => performance.now()) {
    this.now = now;
  }

  // Note that a position is sent; returns its number.
  send(position) {
    this.sent += 1;
    this.#under.set(this.sent, { position, at: this.now() });
    if (this.#under.size > UNDER_WAY) this.#under.delete(this.#under.keys().next().value);
    return this.sent;
  }

  // Note that the server gave a position back.
  land(number) {
    const trip = this.#under.get(number);
    if (!trip) return;
    this.#under.delete(number);
    this.back += 1;
    this.#lags.push(this.now() - trip.at);
    if (this.#lags.length > KEPT) this.#lags.shift();
    if (number < this.#newest) return;
    this.#newest = number;
    this.shown = trip.position;
  }

  // The same for the oldest one: a WebSocket's acknowledgements come in order.
  landNext() {
    if (this.#under.size) this.land(this.#under.keys().next().value);
  }

  // What is under way will not come back: its connection is gone.
  lose() {
    this.#under.clear();
  }

  // Measure from now on: the link has become another one.
  anew() {
    this.#lags = [];
  }

  // In seconds.
  get figures() {
    const seconds = (lag) => (lag === null ? null : lag / 1000);
    const [median, p95] = [0.5, 0.95].map((part) => seconds(share(this.#lags, part)));
    return { sent: this.sent, back: this.back, median, p95 };
  }
}

// One transport: a client of the browser's own that gets positions, and the way up.
export class Lane {
  state = "off"; // what the client is doing, in words
  trips = new Trips();
  #id;
  #cursor = 0;
  #run = null;
  #source = null;
  #release = null;
  #taken = null; // the position that was sent last
  #busy = false; // a POST is under way, or one failed just now
  #refusals = 0; // POSTs that failed, one after another
  #failures = 0; // streams

  // `id`: of the page's positions. `url()`: where the server is. `period()`: of polling, in ms.
  constructor(transport, { id, url, period, changed }) {
    Object.assign(this, { transport, url, period, changed });
    this.#id = id;
  }

  get on() {
    return this.#run !== null;
  }

  // Connect, for what comes after a message of the feed.
  open(cursor) {
    if (this.on) return;
    if (["long_polling", "sse"].includes(this.transport)) {
      this.#release = hold();
      if (!this.#release) {
        this.#become("off: three answers are held open on this page already");
        return;
      }
    }
    this.#cursor = Math.max(this.#cursor, cursor);
    this.#run = new AbortController();
    this.#become("connecting");
    this.#start(this.#run.signal);
  }

  close() {
    if (!this.on) return;
    this.#run.abort();
    this.#run = null;
    this.#source?.close();
    this.#source = null;
    this.#release?.();
    this.#release = null;
    this.#busy = false;
    this.trips.lose();
    this.#become("off");
  }

  // Send the pointer's position, if it is another one and the way up is free. What is passed over
  // meanwhile is never sent: where the pointer was is of no use to anybody.
  offer(position) {
    if (!this.on || position === this.#taken || !this.#free()) return;
    this.#taken = position;
    const n = this.trips.send(position);
    const text = JSON.stringify({ feel: this.#id, via: this.transport, n, ...position });
    if (this.transport === "websocket") this.#source.send(text);
    else this.#post(text, this.#run.signal);
  }

  #free() {
    if (this.transport !== "websocket") return !this.#busy;
    return this.state === "open" && this.#source.bufferedAmount < BUFFERED;
  }

  async #post(text, signal) {
    this.#busy = true;
    try {
      const { seq, error } = await (await publish(this.url(), text)).json();
      if (!seq) throw new Error(error); // without one, somebody answered in the server's place
      this.#refusals = 0;
    } catch {
      await sleep(backoff(this.#refusals++), signal);
    }
    if (!signal.aborted) this.#busy = false;
  }

  #start(signal) {
    if (!signal.aborted) LESSON[this.transport].run(this.url(), this.#view(signal));
  }

  // What a client of lesson.js gets to see.
  #view(signal) {
    const lane = this;
    const live = (change) => signal.aborted || change();
    return {
      signal,
      cursor: this.#cursor,
      get wanted() {
        return !signal.aborted;
      },
      get period() {
        return lane.period();
      },
      async list(answer) {
        if (answer.status === 410) return [];
        if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
        const messages = answer.status === 204 ? [] : await answer.json(); // fails for a page
        live(() => lane.#become("open"));
        return messages;
      },
      lost: (gap) => gap.resume,
      receive: (message) => live(() => this.#receive(message)),
      taken: () => live(() => {
        this.trips.landNext();
        this.changed();
      }),
      welcome: () => live(() => this.#become("open")),
      uses: (source) => this.#use(source, signal),
      log() {},
      giveUp: () => live(() => this.close()),
      later: (task, delay) => this.#pause(delay, signal).then(() => live(task)),
      wait: (delay, error = null) => (error ? this.#pause(delay, signal) : sleep(delay, signal)),
    };
  }

  // Wait after a failure.
  async #pause(delay, signal) {
    if (!signal.aborted) this.#become(`again in ${(delay / 1000).toFixed(1)} s`);
    await sleep(delay, signal);
    if (!signal.aborted) this.#become("connecting");
  }

  #receive({ seq, data }) {
    this.#cursor = seq;
    if (data?.feel !== this.#id || data.via !== this.transport) return;
    this.trips.land(data.n);
    this.changed();
  }

  #use(source, signal) {
    this.#source = source;
    const on = (event, change) => source.addEventListener(event, () => signal.aborted || change());
    if (this.transport === "websocket") {
      on("close", () => this.trips.lose());
      return;
    }
    on("open", () => {
      this.#failures = 0;
      this.#become("open");
    });
    on("error", () => {
      this.#become("connecting");
      if (source.readyState !== 2) return; // it comes back by itself
      const { later } = this.#view(signal); // a proxy's 500 makes it give up
      later(() => this.#start(signal), backoff(this.#failures++));
    });
  }

  #become(state) {
    this.state = state;
    this.changed();
  }
}
