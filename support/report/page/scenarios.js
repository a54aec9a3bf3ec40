// All scenarios by feature, as they stand in the files; the other way round through the same matrix.

const FEW = 60;
const OPENED = 10;
let features = new Map();

function showScenarios() {
  const answering = new Map();
  let found = 0;
  scenarios.forEach((s, number) => {
    if (!scenarioAnswers(number)) return;
    const path = s.at.replace(/:\d+$/, "");
    if (!answering.has(path)) answering.set(path, []);
    answering.get(path).push(number);
    found += 1;
  });
  let opened = 0;
  const wanted = (number) => ["failed", "broken"].includes(scenarios[number].status) && opened++ < OPENED;
  features = new Map();
  const parts = [...answering].map(([path, numbers]) => {
    const bad = numbers.filter((number) => ["failed", "broken"].includes(scenarios[number].status)).length;
    const counts = ORDER.map((status) => [status, numbers.filter((number) => scenarios[number].status === status).length]).filter(([, n]) => n);
    const part = opening({ class: "feature", open: found <= FEW || (bad > 0 && opened < OPENED) },
      h("summary", {}, h("h3", {}, scenarios[numbers[0]].feature), h("span", { class: "quiet" }, counts.map(([status, n]) => `${n.toLocaleString("en")} ${status}`).join(", "))),
      () => h("div", { class: numbers.length > FEW ? "rows many" : "rows" }, numbers.map((number) => scenarioPart(number, wanted(number)))));
    numbers.forEach((number) => features.set(number, part));
    return part;
  });
  by("scenarios").replaceChildren(h("h2", { id: "scenarios-title" }, "Scenarios"),
    h("p", { class: "quiet" }, "What was tried, in the sentences of the features; each leads to the criteria that it stands for."),
    ...(found ? parts : [h("p", { class: "quiet" }, scenarios.length ? "No scenario answers to this." : "No scenario was run.")]));
  return found;
}

/** Open what an address within the page names, wherever it is. */
function follow() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return;
  const isScenario = /^s\d+$/.test(id);
  const there = () => (isScenario ? features.has(Number(id.slice(1))) : by(id));
  if (!there() && asking()) by("filters").reset();
  setTimeout(() => {
    if (isScenario && features.has(Number(id.slice(1)))) features.get(Number(id.slice(1))).makeBody();
    const owner = requirements.find((r) => r.criteria.some((c) => c.id === id));
    if (owner && by(owner.id)) by(owner.id).makeBody();
    const target = by(id);
    if (!target) return;
    if (target.makeBody) target.makeBody();
    target.scrollIntoView();
    (target.querySelector("summary") || target).focus({ preventScroll: true });
  }, asking() ? 50 : 0);
}
