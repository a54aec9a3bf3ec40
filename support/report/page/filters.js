// What is asked for, and what answers to it.

const { requirements, scenarios, sentences } = report;
const criteria = requirements.flatMap((r) => r.criteria);
const SUBJECTS = ["tikv", "ratelimiter"];
const asked = { text: "", verdicts: new Set(), subject: "", stack: "" };
const stackOfRun = new Map(report.runs.map((run) => [run.name, run.stack]));

const stackOf = (s) => stackOfRun.get(s.run) || report.run.stack;
const subjectsOf = (s) => SUBJECTS.filter((subject) => (s.tags || []).includes(subject));
const idsOf = (s) => (s.ids || []).filter((id) => id.includes(".")).join(", ") || (s.ids || []).join(", ");
const stepOf = ([number, status, took, error]) =>
  ({ keyword: sentences[number][0], text: sentences[number][1], status, took, error });
const failing = (s) => {
  const step = (s.steps || []).find(([, status]) => status !== "passed" && status !== "not run");
  return step && stepOf(step);
};

const searchable = new Map();
function textOf(key, make) {
  if (!searchable.has(key)) searchable.set(key, make().join("\n").toLowerCase());
  return searchable.get(key);
}
const textOfScenario = (number) => textOf(number, () => {
  const s = scenarios[number];
  const said = (s.steps || []).map(([sentence]) => sentences[sentence][1]);
  return [s.name, s.feature, s.at, ...(s.ids || []), ...said, s.reason || ""];
});
const textOfCriterion = (r, c) => textOf(c.id, () => [c.id, c.text, r.title, r.statement, r.source, c.reason || ""]);

const fits = (s) => (!asked.subject || subjectsOf(s).includes(asked.subject)) && (!asked.stack || stackOf(s) === asked.stack);
const hasWords = (text) => asked.text.split(/\s+/).every((word) => text.includes(word));

function scenarioAnswers(number) {
  const s = scenarios[number];
  return (!asked.verdicts.size || asked.verdicts.has(s.status)) && fits(s) && (!asked.text || hasWords(textOfScenario(number)));
}

function criterionAnswers(r, c) {
  if (asked.verdicts.size && !asked.verdicts.has(c.status)) return false;
  if ((asked.subject || asked.stack) && !c.scenarios.some((n) => fits(scenarios[n]))) return false;
  return !asked.text || hasWords(textOfCriterion(r, c)) || c.scenarios.some((n) => hasWords(textOfScenario(n)));
}

/** Make the form; `changed` is called when something else is asked for. */
function showFilters(changed) {
  const present = (status) => criteria.some((c) => c.status === status) || scenarios.some((s) => s.status === status);
  const choice = (id, label, all, values) => values.length > 0 && h("label", {}, label, " ",
    h("select", { id, onchange: (event) => { asked[id] = event.target.value; changed(); } },
      h("option", { value: "" }, all), values.map((value) => h("option", {}, value))));
  const subjects = SUBJECTS.filter((subject) => scenarios.some((s) => (s.tags || []).includes(subject)));
  const stacks = [...new Set(scenarios.map(stackOf))];
  append(by("filters"), [
    h("label", { class: "search" }, h("span", {}, "Find"),
      h("input", { type: "search", id: "find", placeholder: "words, DEMO-05.4, a counter …", autocomplete: "off",
        oninput: (event) => { asked.text = event.target.value.trim().toLowerCase(); changed(); } })),
    h("fieldset", {}, h("legend", { class: "unseen" }, "Verdict"),
      ORDER.filter((status) => status !== "partly verified" && present(status)).map((status) =>
        h("label", { class: "chip" },
          h("input", { type: "checkbox", value: status, onchange: (event) => {
            if (event.target.checked) asked.verdicts.add(status); else asked.verdicts.delete(status);
            changed();
          } }), badge(status)))),
    choice("subject", "Subject", "all", subjects),
    choice("stack", "Stack", "all", stacks),
    h("button", { type: "reset", class: "plain-button", id: "clear", hidden: true }, "Show everything"),
    h("p", { id: "found", role: "status", class: "quiet" }),
  ]);
  by("filters").addEventListener("submit", (event) => event.preventDefault());
  by("filters").addEventListener("reset", () => {
    Object.assign(asked, { text: "", subject: "", stack: "" });
    asked.verdicts.clear();
    setTimeout(changed);
  });
}

const asking = () => Boolean(asked.text || asked.verdicts.size || asked.subject || asked.stack);
