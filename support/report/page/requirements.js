// Each requirement with its statement, its source, its criteria, and the scenarios that each rests on.

const NAMED = 4;

const toScenario = (number) => h("a", { href: `#s${number}` }, nameOf(scenarios[number]));

function scenarioItem(number) {
  const s = scenarios[number];
  return h("li", {}, badge(s.status), " ", toScenario(number),
    h("span", { class: "quiet" }, [s.run, (s.substitutes || []).join(", "), seconds(s.seconds)].filter(Boolean).map((text) => ` · ${text}`).join("")));
}

function shownBy(numbers) {
  const list = h("ul", { class: "shown-by" }, numbers.slice(0, NAMED).map(scenarioItem));
  if (numbers.length > NAMED) {
    const rest = h("li", {}, h("button", { type: "button", class: "plain-button", onclick: () => {
      rest.replaceWith(...numbers.slice(NAMED).map(scenarioItem));
    } }, `and ${numbers.length - NAMED} more`));
    list.append(rest);
  }
  return list;
}

function pastOf(c) {
  if (!c.past.length) return null;
  const told = c.past.map((past) => `${past.status} on ${moment(past.started)}, ${past.on}`);
  return h("div", { class: "past" }, h("span", { class: "quiet" }, "Before: "),
    h("ol", { "aria-label": "Earlier verdicts, the latest first" }, c.past.map((past, n) => h("li", { class: `dot ${kindOf(past.status)}`, title: told[n] },
      h("span", { "aria-hidden": "true" }, MARKS[past.status]), h("span", { class: "unseen" }, told[n])))),
    c.flaky && h("span", { class: "note" }, "flaky: the same code has both passed and failed"));
}

/** What a verdict on this criterion is worth: the sabotages that were caught breaking it. */
function strengthOf(c) {
  const s = c.strength;
  if (!s) return null;
  const on = `${moment(s.proved)}${s.commit ? `, commit ${s.commit}` : ""}`;
  const all = (titles) => titles.join(", ");
  return h("div", { class: "strength" },
    s.caught.length > 0
      ? h("p", { class: "quiet" }, `Strength: ${plural(s.caught.length, "sabotage", "sabotages")} caught (${all(s.caught)}), ${on}`)
      : h("p", { class: "note" }, `Strength: unproven, ${s.why} (${on})`),
    s.missed.length > 0 && h("p", { class: "note" }, `Missed: ${all(s.missed)}`),
    s.wrongly_red.length > 0 && h("p", { class: "note" }, `Wrongly red: ${all(s.wrongly_red)}`));
}

function criterionPart(c) {
  const why = !["passed", "not covered"].includes(c.status) && c.reason;
  return h("li", { id: c.id, class: "criterion", tabindex: "-1" },
    h("div", { class: "claim" }, h("h4", {}, c.id), h("p", {}, c.text), badge(c.status, c.verdict)),
    c.changed && h("p", { class: "note" }, `Text changed since it was last verified, on ${moment(c.changed.verified)}. It read: “${c.changed.text}”`),
    why && (c.status === "failed" || c.status === "broken" ? h("pre", {}, shortened(why)) : h("p", { class: "quiet" }, why)),
    c.scenarios.length > 0 && shownBy(c.scenarios),
    strengthOf(c),
    pastOf(c));
}

function requirementPart(r, shown) {
  const counts = ORDER.map((status) => [status, r.criteria.filter((c) => c.status === status).length]).filter(([, n]) => n);
  const open = asking() || r.status !== "not covered";
  return opening({ class: "requirement", id: r.id, open },
    h("summary", {}, h("h3", {}, h("span", { class: "id" }, r.id), " ", r.title),
      badge(r.status, r.verdict), h("span", { class: "quiet" }, counts.map(([status, n]) => `${n} ${status}`).join(", "))),
    () => h("div", { class: "body" },
      h("p", { class: "statement" }, r.statement),
      h("p", { class: "quiet" }, `Source: ${r.source}`),
      r.scenarios.length > 0 && [h("p", {}, "The requirement as a whole:"), shownBy(r.scenarios)],
      h("ol", { class: "criteria" }, shown.map(criterionPart))));
}

function showRequirements() {
  const section = by("requirements");
  let found = 0;
  const parts = requirements.map((r) => {
    const shown = r.criteria.filter((c) => criterionAnswers(r, c));
    found += shown.length;
    return shown.length || !asking() ? requirementPart(r, shown) : null;
  });
  section.replaceChildren(h("h2", { id: "requirements-title" }, "Requirements"),
    ...(found ? [] : [h("p", { class: "quiet" }, "No criterion answers to this.")]), ...parts.filter(Boolean));
  return found;
}
