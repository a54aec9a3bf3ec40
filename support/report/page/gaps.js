// What is not proven, why, and how to change that.

function gapsPart(title, explained, list) {
  return [h("h3", {}, title), list.length ? [h("p", { class: "quiet" }, explained), h("ul", { class: "gaps" }, list)] : h("p", { class: "quiet" }, "None.")];
}

const linked = (ids) => ids.map((id, n) => [n ? ", " : "", h("a", { href: `#${id}` }, id)]);

function showGaps() {
  const { headline, unassigned } = report;
  const byRequirement = requirements.map((r) => [r, r.criteria.filter((c) => c.status === "not covered").map((c) => c.id)]).filter(([, ids]) => ids.length);
  const skipped = scenarios.map((s, number) => number).filter((number) => scenarios[number].status === "not verified");
  append(by("gaps"), [
    h("h2", { id: "gaps-title" }, "What is missing"),
    gapsPart("Not verified, and how to enable it", "A scenario exists, and nothing was shown by it in this run.",
      headline.open.map(([reason, ids]) => h("li", {}, reason, h("span", { class: "quiet" }, " · ", linked(ids))))),
    skipped.length > 0 && h("details", { class: "quiet-details" }, h("summary", {}, plural(skipped.length, "scenario", "scenarios"), " not verified"), h("ul", {}, skipped.slice(0, 200).map((number) => h("li", {}, toScenario(number), ": ", scenarios[number].reason)))),
    gapsPart("Criteria without a scenario", "Nobody has written down how to check these.",
      byRequirement.map(([r, ids]) => h("li", {}, h("b", {}, r.id), ` ${r.title}: `, linked(ids)))),
    gapsPart("Scenarios without a requirement", "They were run, and stand for nothing that was agreed.",
      unassigned.map((number) => h("li", {}, badge(scenarios[number].status), " ", toScenario(number)))),
  ]);
}
