// The timeline of a scenario, drawn from its events: one lane for each who acts, and the same as a list.

const LANES = [["fault", "Fault"], ["stack", "Stack"], ["monitor", "Monitor"], ["agent", "Agent"], ["process", "Processes"]];

function timelinePart(events) {
  const first = Math.min(0, events[0].at);
  const last = Math.max(...events.map((event) => event.at));
  const span = Math.max(last - first, 0.001);
  const place = (at) => `${((at - first) / span) * 100}%`;
  const told = events.map((event) => ({ ...event, ...eventWords(event) }));
  const lanes = LANES.filter(([lane]) => told.some((event) => event.lane === lane)).map(([lane, name]) => {
    const line = h("span", { class: "line" }, told.filter((event) => event.lane === lane).map((event) => {
      const dot = h("i", { class: `dot-${lane} ${event.kind.replace(".", "-")}`, title: `${signed(event.at)} ${event.words} ${event.more}` });
      dot.style.left = place(event.at);
      return dot;
    }));
    return h("div", { class: "lane" }, h("span", { class: "name" }, name), line);
  });
  const ticks = h("span", { class: "line ticks" }, [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const tick = h("b", {}, `${(first + share * span).toFixed(1)} s`);
    tick.style.left = `${share * 100}%`;
    return tick;
  }));
  const drawn = h("div", { class: "timeline", "aria-hidden": "true" }, broken(told, place), lanes, h("div", { class: "lane" }, h("span", { class: "name" }), ticks));
  const rows = told.map((event) => h("tr", { class: `lane-${event.lane}` },
    h("td", { class: "time" }, signed(event.at)),
    h("td", {}, event.words, event.times > 1 && ` (${event.times} times)`, event.more && h("span", { class: "more" }, oneLine(event.more)))));
  return h("div", { class: "exhibit" }, h("h4", {}, "Timeline"), drawn,
    told.some((event) => event.kind === "fault.injected") && h("p", { class: "quiet" }, "Shaded: from the fault until the stack was seen steady again, or the suite healed it."),
    h("details", { class: "quiet-details" }, h("summary", {}, plural(told.length, "event", "events"), " as a list"),
      h("table", { class: "events" }, h("caption", { class: "unseen" }, "Events, in seconds since the scenario began"),
        h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, "Time"), h("th", { scope: "col" }, "Event"))), h("tbody", {}, rows))));
}

const oneLine = (text) => {
  const flat = text.replace(/\s+/g, " ");
  return flat.length > 160 ? `${flat.slice(0, 160)} …` : flat;
};

/** The time in which the fault was in place, as a band behind the lanes. */
function broken(told, place) {
  const from = told.find((event) => event.kind === "fault.injected");
  if (!from) return null;
  const until = told.find((event) => event.at > from.at && (event.kind === "stack.steady" || event.kind === "fault.healed"));
  const band = h("span", { class: "band" });
  band.style.setProperty("--from", place(from.at));
  band.style.setProperty("--to", until ? place(until.at) : "100%");
  return h("span", { class: "bands" }, band);
}
