// Controls that views share.

// The place of the value that is nearest, in proportion; null counts as endless.
export function nearest(values, value) {
  const size = (v) => Math.log1p(v ?? 1e12);
  const distances = values.map((v) => Math.abs(size(v) - size(value)));
  return distances.indexOf(Math.min(...distances));
}

// A slider over values that are worth choosing. What a cell sets in between is said in words.
function slider({ label, values, words, wish, signal }) {
  const text = make("b", { "aria-hidden": "true" }); // the slider itself says its value
  const input = make("input", { type: "range", min: 0, max: values.length - 1, step: 1 });
  const element = make("label", { class: "slider" }, make("span", {}, label), text, input);
  let touched = -Infinity; // what the hand does is not to be undone by what was so before
  let timer = null;
  const show = (value) => {
    text.textContent = words(value);
    input.setAttribute("aria-valuetext", words(value));
  };
  const tell = () => {
    timer = null;
    wish(values[input.value]);
  };
  input.addEventListener("input", () => {
    touched = performance.now();
    show(values[input.value]);
    timer ??= setTimeout(tell, 80);
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
  return {
    element,
    set(value) {
      if (timer !== null || performance.now() - touched < 600) return;
      input.value = nearest(values, value);
      show(value);
    },
    enable(on) {
      input.disabled = !on;
    },
  };
}

// Numbers in a few characters.
export const inBytes = (bytes) =>
  bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${bytes / 1000} kB` : `${bytes / 1e6} MB`;
export const inMs = (ms) =>
  ms < 10 ? `${+ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${+(ms / 1000).toFixed(2)} s`;
