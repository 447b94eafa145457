// One client at work: what its native object or its loop does is shown, logged and counted here.

export class Client {
  wanted = false; // whether it is connected, or tries to be
  detail = ""; // of the state: what is waited for
  trouble = ""; // why nothing is open, or what is open is in doubt, if that is known
  crowded = false; // whether it wanted to open, and there was no place for one more answer
  #phase = "CLOSED"; // of a client without a native object
  #source = null;
  #run = null;
  #release = null;
  #explaining = false;
  #askedAt = 0; // on the page's clock, of a loop's request
  #failures = 0;

  // `url()`: where its server is. `proxied()`: whether Jupyter's proxy is between. `explain()`:
  // resolves to why no connection comes about. `arrived(message, how)`: called with every message.
  // `revive`: whether to begin again when EventSource has given up.
  constructor(transport, { url, clock, changed, explain, proxied, arrived, period, revive }) {
    this.transport = transport;
    this.kind = LESSON[transport];
    this.url = url;
    this.proxied = proxied;
    this.explain = explain;
    this.arrived = arrived ?? (() => {});
    this.period = period;
    this.revive = revive;
    this.changed = changed;
    this.journal = new Journal(clock, () => this.changed());
  }

  // Whether it is open as far as the browser knows, and the server is not to be had all the same.
  get doubtful() {
    return this.journal.up && this.trouble !== "";
  }

  get state() {
    return this.#source ? READY[this.transport][this.#source.readyState] : this.#phase;
  }

  // ── what the reader does ──

  open() {
    if (this.wanted) return;
    if (this.transport !== "websocket" && this.transport !== "polling") {
      this.#release = hold();
      if (!this.#release) {
        this.trouble = `${MOST_HELD} answers are held open on this page already: close one.`;
        if (!this.crowded) this.journal.note("not done", this.trouble);
        this.crowded = true;
        return;
      }
    }
    this.crowded = false;
    this.wanted = true;
    this.trouble = "";
    this.journal.begin();
    this.#start();
  }

  close(why = "by this page") {
    if (!this.wanted) return;
    this.journal.note("close", why);
    this.#stop();
  }

  // Send a JSON text to the server, which publishes it.
  async send(text) {
    if (this.transport === "websocket") {
      if (this.state !== "OPEN") {
        this.journal.note("not done", "A WebSocket sends when it is OPEN: connect first.");
        return;
      }
      this.#source.send(text);
      this.journal.note("sent", text);
      return;
    }
    this.journal.note("POST", text);
    try {
      const { seq, error, message } = await jsonOf(await publish(this.url(), text));
      if (message) throw new Error(message); // of a hub, in the server's place
      this.journal.note(error ? "error" : "answer", error ?? `published as ${seq}`);
    } catch (error) {
      this.journal.note("error", `POST: ${error.message}`);
      this.#explain();
    }
  }

  // The server's clock did not answer, or does again: see what this means for what is open. A proxy
  // may hold an event stream open whose server is gone.
  check() {
    return this.#explain();
  }

  // Let what is open end, for its goodbye to be seen, and begin nothing new.
  retire(patience = 700) {
    const run = this.#run;
    this.revive = false;
    if (!run) return;
    run.ending = true;
    setTimeout(() => this.#run === run && this.close("the lab is stopped"), patience);
  }

  // End at once, and say nothing more.
  destroy() {
    this.changed = this.arrived = () => {};
    this.#stop();
  }

  // All that a page which is loaded again must know to go on.
  get report() {
    return { state: this.state, wanted: this.wanted, ...this.journal.report };
  }

  // ── what the client does ──

  #start() {
    this.#run = new AbortController();
    this.#phase = this.transport in READY ? "CONNECTING" : "ASKING";
    this.#askedAt = performance.now();
    const url = this.url();
    this.journal.note("connect", url.replace(/token=[^&]*/, "token=*"));
    this.kind.run(url, this.#view(this.#run));
  }

  #stop() {
    this.wanted = false;
    this.detail = "";
    this.#run?.abort();
    this.#run = null;
    this.#source?.close(...(this.transport === "websocket" ? [1000, "closed by the reader"] : []));
    this.#phase = "CLOSED";
    this.journal.close();
    this.#release?.();
    this.#release = null;
    this.changed();
  }

  // What a client function gets to see: see lesson.js.
  #view(run) {
    const { signal } = run;
    const live = () => !signal.aborted;
    const later = (task, delay) => {
      if (run.ending || !live()) return;
      this.detail = `again in ${ms(delay)}`;
      this.journal.note("wait", this.detail);
      sleep(delay, signal).then(() => live() && task());
    };
    return {
      signal,
      cursor: this.journal.tally.cursor,
      period: this.period,
      get wanted() {
        return live() && !run.ending;
      },
      uses: (source) => this.#watch(source, run),
      welcome: (hello) => {
        this.journal.note("hello", `the feed is at ${hello.last}`);
        this.#up();
      },
      receive: (message) => this.arrived(message, this.journal.receive(message)),
      taken: (seq) => {
        this.journal.tally.own(seq);
        this.journal.note("ack", `published as ${seq}`);
      },
      lost: (gap) => {
        this.journal.tally.lose(gap);
        this.journal.note("lost", gap.error);
        return gap.resume;
      },
      list: (answer) => this.#list(answer),
      log: (what, text) => this.journal.note(what, text),
      later,
      giveUp: () => live() && this.#stop(),
      wait: async (delay, error = null) => {
        if (!live()) return;
        if (error) this.#failed(error);
        this.#phase = "WAITING";
        this.detail = `again in ${ms(delay)}`;
        if (error) this.journal.note("wait", this.detail);
        this.changed();
        await sleep(delay, signal);
        if (!live()) return;
        this.#phase = "ASKING";
        this.#askedAt = performance.now();
        this.detail = "";
        this.changed();
      },
    };
  }

  #watch(source, run) {
    this.#source = source;
    this.detail = "";
    const on = (event, handler) =>
      source.addEventListener(event, (it) => this.#source === source && handler(it));
    on("open", () => {
      this.journal.note("open");
      // Behind a proxy a WebSocket opens even if nobody is there: it counts from the hello on.
      if (this.transport === "sse") this.#up();
    });
    on("error", () => {
      const gone = this.transport === "sse" && this.state === "CLOSED";
      this.journal.note("error", this.transport === "sse" ? remarkOn(gone, this.proxied()) : "");
      this.#down();
      if (gone) this.#gaveUp(run);
    });
    on("close", ({ code }) => {
      this.#down();
      if (this.wanted && this.proxied() && (code === 1005 || code === 1006)) {
        this.journal.note("why", "What code the server gave is lost in Jupyter's proxy.");
      }
    });
    this.changed();
  }

  #gaveUp(run) {
    if (!this.wanted || run.ending) return;
    if (!this.revive) {
      const { cursor } = this.journal.tally;
      this.journal.note("close", `Connect goes on after message ${cursor ?? 0}.`);
      this.#stop();
      return;
    }
    const outage = this.journal.outages.at(-1);
    if (outage) outage.givenUp = true;
    const view = this.#view(run);
    view.later(() => this.#start(), backoff(this.#failures));
    this.#failures += 1;
  }

  async #list(answer) {
    const said = `${answer.status} ${answer.statusText}`;
    if (![200, 204, 410].includes(answer.status)) {
      throw new Error(`${said}: ${reasonOf(await answer.text())}`);
    }
    const messages = answer.status === 200 ? await jsonOf(answer) : [];
    this.journal.note("answer", `${said}, messages: ${messages.length}`);
    this.#up(this.#askedAt);
    return messages;
  }

  #failed(error) {
    this.journal.note("error", error.message);
    this.#down();
  }

  // Something is open. A loop is connected from its question on: what is published while the server
  // holds that comes at once.
  #up(since = performance.now()) {
    this.#failures = 0;
    this.trouble = "";
    this.journal.open(since);
  }

  #down() {
    if (!this.wanted) return;
    this.journal.lose();
    this.#explain();
  }

  // Look for a reason, and tell it when it is another one than before.
  async #explain() {
    if (this.#explaining) return;
    this.#explaining = true;
    const { up } = this.journal;
    const why = await this.explain();
    this.#explaining = false;
    if (why === this.trouble || up !== this.journal.up) return;
    this.trouble = why;
    if (why) this.journal.note("why", why);
    this.changed();
  }
}
