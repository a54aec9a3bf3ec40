// The head of the page: the answer, how it came about, what to look at, and all criteria at a glance.

function bar(counts, label) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0) || 1;
  const parts = Object.entries(counts).map(([status, count]) => {
    const part = h("span", { class: `part ${kindOf(status)}` });
    part.style.flexGrow = String(count / total);
    return part;
  });
  const legend = Object.entries(counts).map(([status, count]) =>
    h("li", {}, badge(status), " ", h("b", {}, count.toLocaleString("en"))));
  return h("div", { class: "tally" },
    h("div", { class: "bar", "aria-hidden": "true" }, parts),
    h("ul", { class: "legend", "aria-label": label }, legend));
}

const fact = (name, value) => value && h("div", {}, h("dt", {}, name), h("dd", {}, value));

function showTop() {
  const { headline, run, runs } = report;
  append(by("top"), [
    h("p", { class: "eyebrow" }, "Requirement traceability report"),
    h("h1", { class: kindOf(headline.verdict) }, headline.sentence),
    h("p", { class: "lead" }, headline.shownWith),
    bar(headline.criteria, "Criteria by verdict"),
    h("dl", { class: "facts" },
      fact("Run", moment(run.started)),
      fact("Commit", run.commit || "not known"),
      fact("Stack", run.stack), fact("Model", run.model), fact("Operator", run.operator),
      runs.length > 0 && fact("Joined from", plural(runs.length, "run", "runs")),
      fact("Scenarios", Object.entries(headline.scenarios).map(([s, n]) => `${n.toLocaleString("en")} ${s}`).join(", ")),
      fact("Took", seconds(run.seconds))),
    h("p", { class: `gate ${headline.red ? "red" : "green"}` },
      h("b", {}, `Gate “${run.gate}”`), ` is ${headline.gate}.`),
  ]);
  const places = [["requirements", "Requirements"], ["scenarios", "Scenarios"], ["gaps", "What is missing"],
    ["environment", "Environment"], ["signoff", "Sign-off"]];
  append(by("contents"), [h("ul", {}, places.map(([id, name]) => h("li", {}, h("a", { href: `#${id}` }, name))))]);
}

const LOOKED_AT = 12;

function showAttention() {
  const { run, scenarios } = report;
  const bad = scenarios.map((s, number) => [s, number]).filter(([s]) => s.status === "failed" || s.status === "broken");
  bad.sort(([a], [b]) => Number(a.status === "broken") - Number(b.status === "broken"));
  const noted = criteria.filter((c) => c.changed || c.flaky);
  if (!(bad.length || run.problems.length || run.interrupted || noted.length)) return;
  const section = by("attention");
  section.hidden = false;
  append(section, [
    h("h2", { id: "attention-title" }, "What needs your attention"),
    h("ul", { class: "attention" },
      run.interrupted && h("li", {}, badge("broken", "interrupted"), ` The run was interrupted by ${run.interrupted}: what was not run is not verified.`),
      run.problems.map((problem) => h("li", {}, badge("broken", "the run itself"), h("pre", {}, problem))),
      bad.slice(0, LOOKED_AT).map(([s, number]) => h("li", {},
        badge(s.status, s.status === "broken" ? "broken bed" : s.status), " ", toScenario(number), " ",
        h("span", { class: "quiet" }, idsOf(s)),
        failing(s) && h("p", { class: "sentence" }, `${failing(s).keyword} ${failing(s).text}`),
        h("pre", {}, shortened(s.reason || "")))),
      bad.length > LOOKED_AT && h("li", {}, h("a", { href: "#scenarios" }, `and ${bad.length - LOOKED_AT} more, under Scenarios`)),
      noted.map((c) => h("li", {}, h("a", { href: `#${c.id}` }, c.id), " ",
        [c.flaky && "is flaky: the same code has both passed and failed", c.changed && "text changed since it was last verified"].filter(Boolean).join("; "), "."))),
  ]);
}

const shortened = (text) => (text.length > 900 ? `${text.slice(0, 900)} …` : text);

function showGlance() {
  const rows = report.requirements.map((r) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `#${r.id}` }, r.id), h("span", { class: "title" }, r.title)),
    h("td", {}, h("span", { class: "cells" }, r.criteria.map((c) =>
      h("a", { class: `cell ${kindOf(c.status)}`, href: `#${c.id}`, title: `${c.id} ${c.verdict}`, "aria-label": `${c.id}: ${c.verdict}` },
        h("span", { "aria-hidden": "true" }, MARKS[c.status])))))));
  append(by("glance"), [
    h("h2", { id: "glance-title" }, "At a glance"),
    h("p", { class: "quiet" }, "One square for each criterion; each leads to its statement and its evidence."),
    h("table", { class: "glance" }, h("caption", { class: "unseen" }, "Verdict of every criterion by requirement"), h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, "Requirement"), h("th", { scope: "col" }, "Criteria"))), h("tbody", {}, rows)),
  ]);
}
