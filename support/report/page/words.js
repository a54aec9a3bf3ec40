// How things are said: verdicts, times, measures, events.

const MARKS = {
  "passed": "✓", "failed": "✗", "broken": "!", "not verified": "–",
  "partly verified": "~", "not covered": "·", "not run": "·",
};
const ORDER = ["passed", "partly verified", "failed", "broken", "not verified", "not covered"];
const MEASURES = {
  time_to_detect: ["Time to detect", "from the stack showing the fault to the monitor reporting it"],
  time_to_ticket: ["Time to ticket", "from the stack showing the fault to the ticket"],
  time_to_diagnose: ["Time to diagnose", "from the ticket to the first command that changes something"],
  time_to_repair: ["Time to repair", "from the fault to the steady state"],
  time_to_resolve: ["Time to resolve", "from the ticket to its resolution"],
};

const kindOf = (status) => status.replace(/ /g, "-");

/** A verdict as mark and words; never by colour alone. */
const badge = (status, words) =>
  h("span", { class: `badge ${kindOf(status)}` },
    h("span", { class: "mark", "aria-hidden": "true" }, MARKS[status]), words || status);

function seconds(value) {
  if (value >= 90) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return value >= 10 ? `${value.toFixed(1)} s` : `${value.toFixed(2)} s`;
}

/** A row of a table has a name that ends with its number: " -- @1.2", and maybe the table's name. */
const nameOf = (s) => s.name.replace(/ -- @(\d+)\.(\d+)\s*(.*)$/, (_, table, row, name) => ` (example ${table === "1" ? row : `${table}.${row}`}${name && `, ${name}`})`);

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)} s`;

const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A time stamp in UTC, for people. */
function moment(stamp) {
  const at = new Date(stamp);
  if (Number.isNaN(at.getTime())) return stamp;
  const date = at.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  return `${date}, ${at.toISOString().slice(11, 16)} UTC`;
}

const EVENTS = {
  "stack.steady": ["stack", "The stack is in its steady state"],
  "fault.injected": ["fault", "Fault injected"],
  "fault.shown": ["fault", "The stack shows the fault"],
  "fault.healed": ["fault", "The suite heals the fault"],
  "violation.reported": ["monitor", "The monitor reports a violation"],
  "ticket.opened": ["monitor", "Ticket opened"],
  "ticket.resolved": ["monitor", "Ticket resolved"],
  "session.started": ["agent", "The agent takes the ticket"],
  "session.ended": ["agent", "The agent's session ends"],
  "tool.called": ["agent", "The agent runs a command"],
  "tool.returned": ["agent", "The command returns"],
  "bed.broken": ["stack", "The bed broke"],
  "process.started": ["process", "Process started"],
  "process.exited": ["process", "Process ended"],
};

function eventWords(event) {
  const [lane, words] = EVENTS[event.kind] || ["process", event.kind];
  const d = event.detail;
  const more = d.fault || d.line || d.key || d.command || d.reason || d.outcome
    || (d.exit !== undefined && `exit status ${d.exit}`) || "";
  return { lane, words: event.who ? `${words}: ${event.who}` : words, more };
}
