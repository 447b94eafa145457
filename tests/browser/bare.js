// Runs before anything else on a bare page: a ledger of what is begun, and the model of a view.
{
  const timers = new Map(); // by number: what it calls
  const frames = new Map();
  const sockets = new Set();
  const fetches = new Set();
  const observers = new Set();
  const listeners = new Set(); // of window, document and media queries
  const late = new Set(); // what is due and waits until somebody looks
  let hidden = false;

  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
  const { requestAnimationFrame, cancelAnimationFrame, fetch } = globalThis;
  const due = (call) => (hidden ? late.add(call) : call());

  globalThis.setTimeout = (call, delay, ...given) => {
    const run = () => timers.delete(number) && call(...given);
    const number = setTimeout(() => due(run), delay);
    timers.set(number, run);
    return number;
  };
  globalThis.setInterval = (call, delay) => {
    const run = () => call();
    const number = setInterval(() => due(run), delay);
    timers.set(number, run);
    return number;
  };
  globalThis.clearTimeout = globalThis.clearInterval = (number) => {
    clearTimeout(number);
    clearInterval(number);
    late.delete(timers.get(number));
    timers.delete(number);
  };
  globalThis.requestAnimationFrame = (call) => {
    const run = (now = performance.now()) => frames.delete(number) && call(now);
    const number = requestAnimationFrame((now) => (hidden ? late.add(run) : run(now)));
    frames.set(number, run);
    return number;
  };
  globalThis.cancelAnimationFrame = (number) => {
    cancelAnimationFrame(number);
    late.delete(frames.get(number));
    frames.delete(number);
  };
  globalThis.fetch = async (...given) => {
    const place = {};
    fetches.add(place);
    try {
      return await fetch(...given);
    } finally {
      fetches.delete(place);
    }
  };
  for (const name of ["WebSocket", "EventSource"]) {
    globalThis[name] = class extends globalThis[name] {
      constructor(...given) {
        super(...given);
        sockets.add(this);
      }
    };
  }
  for (const name of ["ResizeObserver", "IntersectionObserver"]) {
    globalThis[name] = class extends globalThis[name] {
      observe(...given) {
        observers.add(this);
        super.observe(...given);
      }
      disconnect() {
        observers.delete(this);
        super.disconnect();
      }
    };
  }
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const global = (target) =>
    target === window || target === document || target instanceof MediaQueryList;
  const same = (target, event, call) =>
    [...listeners].filter((one) => one.target === target && one.event === event && one.call === call);
  EventTarget.prototype.addEventListener = function (event, call, options) {
    addEventListener.call(this, event, call, options);
    if (!global(this ?? window)) return;
    const one = { target: this ?? window, event, call };
    listeners.add(one);
    const { signal } = Object(options);
    if (signal) addEventListener.call(signal, "abort", () => listeners.delete(one));
  };
  EventTarget.prototype.removeEventListener = function (event, call, options) {
    removeEventListener.call(this, event, call, options);
    for (const one of same(this ?? window, event, call)) listeners.delete(one);
  };

  globalThis.left = () => {
    const closed = { WebSocket: 3, EventSource: 2 };
    const open = [...sockets].filter((one) =>
      one.readyState !== (one instanceof WebSocket ? closed.WebSocket : closed.EventSource));
    const counts = {
      timers: timers.size, frames: frames.size, sockets: open.length, fetches: fetches.size,
      observers: observers.size, listeners: listeners.size,
    };
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count));
  };

  // Every timer fires now, as if its time had passed.
  globalThis.ring = () => {
    for (const run of [...timers.values()]) due(run);
  };

  globalThis.forget = () => listeners.clear();

  globalThis.look = (yes) => {
    hidden = !yes;
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    const state = { value: hidden ? "hidden" : "visible", configurable: true };
    Object.defineProperty(document, "visibilityState", state);
    document.dispatchEvent(new Event("visibilitychange"));
    const waiting = [...late];
    late.clear();
    for (const call of waiting) due(call);
  };

  const handlers = new Map();
  let traits = {};
  const stop = new AbortController();
  const el = document.createElement("div");

  globalThis.fire = (event, ...given) => {
    for (const handler of [...(handlers.get(event) ?? [])]) handler(...given);
  };
  globalThis.take = (kind, what, value) => {
    if (kind === "message") {
      const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
      fire("msg:custom", what, value.map(bytes));
      return;
    }
    traits[what] = value;
    fire(`change:${what}`);
    fire("change");
  };
  const model = {
    get: (name) => traits[name],
    set: (name, value) => {
      traits[name] = value;
      say({ kind: "trait", name, value });
    },
    save_changes: () => {},
    send: (content) => say({ kind: "message", content }),
    on: (event, handler) => handlers.set(event, [...(handlers.get(event) ?? []), handler]),
    off: (event, handler) =>
      handlers.set(event, (handlers.get(event) ?? []).filter((one) => one !== handler)),
  };
  globalThis.show = async (esm, css, given) => {
    traits = given;
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
    document.body.append(el);
    const blob = new Blob([esm], { type: "text/javascript" });
    const view = (await import(URL.createObjectURL(blob))).default;
    await view.render({ model, el, signal: stop.signal });
  };
  globalThis.takeAway = () => {
    stop.abort();
    el.remove();
    const heard = [...handlers.values()].reduce((sum, all) => sum + all.length, 0);
    if (heard) throw new Error(`${heard} handlers of the model are left`);
  };
}
