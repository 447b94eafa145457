// The pad: the pointer, and the dots that follow it.

const STEP = 0.04; // of the pad, for an arrow key

const ROOM = 90; // px that a word may take

// What each dot looks like, and on which side its word stands.
const LOOKS = {
  polling: { shape: "circle", side: -1, y: -12 },
  long_polling: { shape: "square", side: 1, y: -12 },
  sse: { shape: "triangle", side: -1, y: 20 },
  websocket: { shape: "diamond", side: 1, y: 20 },
};

// On which side there is room for a word.
export function sideOf(wanted, x, width) {
  if (wanted > 0 && x > width - ROOM) return -1;
  return wanted < 0 && x < ROOM ? 1 : wanted;
}

// Where a pointer is in a pad, from 0 to 1 each way.
export function within({ clientX, clientY }, { left, top, width, height }) {
  const part = (value, whole) => Math.round(1000 * Math.min(1, Math.max(0, value / whole))) / 1000;
  return { x: part(clientX - left, width), y: part(clientY - top, height) };
}

// Where an arrow key takes it; null for other keys.
export function stepped({ x, y }, key, far = false) {
  const step = far ? 4 * STEP : STEP;
  const moves = {
    ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
  };
  if (!Object.hasOwn(moves, key)) return null;
  const [right, down] = moves[key];
  const kept = (value) => Math.round(1000 * Math.min(1, Math.max(0, value))) / 1000;
  return { x: kept(x + right), y: kept(y + down) };
}

// A transport's dot: told apart by its shape, its colour, and the word beside it.
function shapeOf(transport) {
  const kind = LOOKS[transport].shape;
  const paths = {
    circle: "M0,-7A7,7 0 1 1 0,7A7,7 0 1 1 0,-7Z",
    square: "M-6,-6H6V6H-6Z",
    triangle: "M0,-8L8,6H-8Z",
    diamond: "M0,-9L9,0L0,9L-9,0Z",
  };
  return make("path", { d: paths[kind], class: `dot ${transport}` });
}

// The pad: the pointer, and the dots behind it. `moved` is called with every new position.
function pad(transports, { signal, moved }) {
  const svg = make("svg", { "aria-hidden": "true" });
  const dots = new Map(transports.map((transport) => {
    const word = make("text", { y: LOOKS[transport].y }, transport);
    const words = make("g", { visibility: "hidden" }, word);
    const dot = make("g", { visibility: "hidden" }, shapeOf(transport));
    svg.prepend(words); // no word covers a dot
    svg.append(dot);
    return [transport, { dot, words, word }];
  }));
  const cross = make("path", { d: "M-9,0H9M0,-9V9", class: "cross" });
  svg.append(cross);
  const word = make("p", { class: "word" });
  const element = make("div", {
    class: "pad", tabindex: 0, role: "application",
    "aria-label": "Pad. Move the pointer here, or use the arrow keys, with Shift in larger steps.",
  }, svg, word);
  let position = { x: 0.5, y: 0.5 };
  const go = (next) => {
    position = next;
    moved(next);
  };
  element.addEventListener("pointermove", (event) => {
    go(within(event, element.getBoundingClientRect()));
  });
  element.addEventListener("keydown", (event) => {
    const next = stepped(position, event.key, event.shiftKey);
    if (!next || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    go(next);
  });

  let drawing = null;
  const draw = (shown) => {
    drawing = null;
    const { clientWidth, clientHeight } = element;
    const place = (drawn, at) => {
      drawn.setAttribute("visibility", at ? "visible" : "hidden");
      if (!at) return;
      const [x, y] = [at.x * clientWidth, at.y * clientHeight].map((value) => value.toFixed(1));
      drawn.setAttribute("transform", `translate(${x},${y})`);
    };
    place(cross, position);
    for (const [transport, { dot, words, word }] of dots) {
      const at = shown(transport);
      place(dot, at);
      place(words, at);
      if (!at) continue;
      const side = sideOf(LOOKS[transport].side, at.x * clientWidth, clientWidth);
      word.setAttribute("text-anchor", side > 0 ? "start" : "end");
      word.setAttribute("x", 10 * side);
    }
  };
  signal.addEventListener("abort", () => cancelAnimationFrame(drawing));
  return {
    element,
    say: (text) => {
      word.textContent = text;
    },
    get position() {
      return position;
    },
    draw(shown) {
      if (!signal.aborted) drawing ??= requestAnimationFrame(() => draw(shown));
    },
  };
}
