// One scenario: its sentences with their times, why it did not pass, and its evidence.

function sentencePart(step) {
  return h("li", { class: `step ${kindOf(step.status)}` },
    h("span", { class: "mark", "aria-hidden": "true" }, MARKS[step.status]),
    h("span", { class: "words" }, h("b", {}, step.keyword), ` ${step.text}`),
    h("span", { class: "time" }, step.status === "not run" ? "not run" : seconds(step.took)),
    step.status !== "passed" && step.status !== "not run" && h("span", { class: "unseen" }, step.status));
}

function measuresPart(measures) {
  const known = Object.keys(MEASURES).filter((name) => name in measures);
  const others = Object.keys(measures).filter((name) => !(name in MEASURES));
  return h("dl", { class: "measures" }, [...known, ...others].map((name) => {
    const [words, meaning] = MEASURES[name] || [name.replace(/_/g, " "), ""];
    return h("div", { title: meaning }, h("dt", {}, words), h("dd", {}, seconds(measures[name])));
  }));
}

function filesPart(s) {
  if (s.files === undefined) return null;
  const names = report.files[s.files];
  return h("div", { class: "exhibit files" }, h("h4", {}, "Evidence"),
    h("ul", {}, names.map((name) => h("li", {}, h("a", { href: encodeURI(`${s.where}/${name}`).replace(/#/g, "%23").replace(/\?/g, "%3F") }, name)))));
}

function provesPart(s) {
  const ids = (s.ids || []).filter((id) => id.includes("."));
  const shown = ids.length ? ids : s.ids || [];
  return h("p", { class: "quiet proves" }, shown.length ? ["For ", shown.map((id, n) => [n ? ", " : "", h("a", { href: `#${id}` }, id)])] : "For no requirement",
    s.substitutes && ` · shown with ${s.substitutes.join(", ")}`, s.run && ` · ${s.run}`, ` · ${s.at}`);
}

function scenarioBody(s, number) {
  const shown = report.exhibits[number] || {};
  const took = (s.steps || []).map(stepOf);
  const failed = took.find((step) => step.status === "failed" || step.status === "broken");
  return h("div", { class: "body" },
    provesPart(s),
    h("ol", { class: "sentences" }, took.map(sentencePart)),
    s.reason && h("div", { class: `why ${kindOf(s.status)}` }, h("pre", {}, s.reason)),
    failed && failed.error && failed.error.trim() !== (s.reason || "").trim() && h("details", { class: "quiet-details" }, h("summary", {}, "Details for engineers"), h("pre", {}, failed.error)),
    s.measures && measuresPart(s.measures),
    s.secrets && h("p", { class: "note" }, `Masked in the evidence: ${s.secrets.join("; ")}.`),
    shown.timeline && timelinePart(shown.timeline),
    shown.printed && printedPart(shown.printed.lines, shown.printed.at),
    shown.tickets && conversationPart(shown.tickets),
    shown.screens && h("div", { class: "exhibit" }, h("h4", {}, "Terminal screens"), shown.screens.map((screen) =>
      h("figure", {}, h("figcaption", {}, screen.name), scrolling(`Screen ${screen.name}`, { class: "screen" }, h("pre", {}, screen.text))))),
    s.files !== undefined && !report.exhibits[number] && h("p", { class: "quiet" }, "The page is full; this scenario's evidence is in the files below."),
    filesPart(s));
}

function scenarioPart(number, open) {
  const s = scenarios[number];
  return opening({ class: `scenario ${kindOf(s.status)}`, id: `s${number}`, open },
    h("summary", {}, badge(s.status), h("span", { class: "name" }, nameOf(s)), h("span", { class: "quiet" }, `${idsOf(s)} · ${seconds(s.seconds)}`)),
    () => scenarioBody(s, number));
}
