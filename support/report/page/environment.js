// On what it was shown: versions, stand-ins, model, commit, machine; of every run where there are several.

function runRows(run) {
  return [
    ["Started", moment(run.started)], ["Took", seconds(run.seconds)], ["Commit", run.commit || "not known"],
    ["Command", run.command.join(" ")], ["Stack", run.stack], ["Model", run.model], ["Operator", run.operator],
    ["Machine", run.machine],
    ["Time", Object.entries(run.spent).map(([name, value]) => `${name} ${seconds(value)}`).join(", ")],
    ...Object.entries(run.versions),
  ].filter(([, value]) => value);
}

function showEnvironment() {
  const runs = report.runs.length ? report.runs : [report.run];
  const masked = runs.flatMap((run) => run.secrets).concat(scenarios.flatMap((s) => (s.secrets || []).map((secret) => `${secret} (${s.name})`)));
  append(by("environment"), [
    h("h2", { id: "environment-title" }, "Environment"),
    h("p", {}, report.headline.substitutes.length ? ["In place of the real thing: ", h("b", {}, report.headline.substitutes.join(", ")), "."] : "Nothing stood in for the real thing."),
    runs.map((run) => h("div", { class: "run" }, report.runs.length > 0 && h("h3", {}, run.name),
      h("dl", { class: "facts wide" }, runRows(run).map(([name, value]) => fact(name, value))))),
    h("h3", {}, "Secrets"),
    masked.length ? h("ul", {}, masked.slice(0, 200).map((text) => h("li", {}, text))) : h("p", { class: "quiet" }, "No secret appeared in anything that was recorded."),
  ]);
}
