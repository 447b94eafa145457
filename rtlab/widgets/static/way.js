// The way from this page to the lab's servers, and the choice of it where there is one.

// `changed` is called when the reader takes another way; `to(url)` is where this page finds what
// lab.url(...) names, `shown(url)` the same without its token.
function theWay(changed) {
  const local = reach(0).way === "direct";
  const choice = make("select", { "aria-label": "the way to the server", onchange: changed },
    ...(local ? [make("option", { value: "direct" }, "direct")] : []),
    make("option", { value: "proxied" }, "through Jupyter's proxy"));
  const proxied = () => choice.value === "proxied";
  const to = (url) => {
    const { protocol, port, pathname, search } = new URL(url);
    const { http } = reach(port, { proxied: proxied() });
    const address = `${http}${pathname}${search}`;
    return protocol.startsWith("ws") ? address.replace(/^http/, "ws") : address;
  };
  return {
    element: make("label", { class: "way" }, "The way: ", choice),
    proxied,
    to,
    shown: (url) => to(url).split("?")[0],
  };
}
