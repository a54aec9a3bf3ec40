// Tickets, and what the agent thought and did about each, as a conversation.

const SPOKEN = { reasoning: "The agent reasons", tool_call: "The agent runs", tool_result: "The shell answers" };

function longText(text, lines = 12) {
  const all = text.split("\n");
  if (all.length <= lines && text.length <= 1500) return h("pre", {}, text);
  const head = all.slice(0, Math.min(lines, 6)).join("\n").slice(0, 600);
  return h("div", {}, h("pre", {}, `${head} …`),
    opening({ class: "quiet-details" }, h("summary", {}, `all of it, ${plural(all.length, "line", "lines")}`), () => h("pre", {}, text)));
}

function entryPart(entry) {
  const said = entry.type === "reasoning" ? h("p", { class: "said" }, entry.text) : longText(entry.text);
  const exit = entry.exit === undefined ? "" : `, exit status ${entry.exit}`;
  return h("li", { class: `turn ${entry.type}` }, h("span", { class: "who" }, (SPOKEN[entry.type] || entry.type) + exit), said);
}

function sessionPart(session) {
  const outcome = session.status === "resolved" ? "passed" : session.status === "running" ? "not-verified" : "failed";
  return h("div", { class: "session" },
    h("p", { class: "quiet" }, `Audit session ${session.id}`),
    h("ol", { class: "conversation" }, session.entries.map(entryPart)),
    session.left > 0 && h("p", { class: "quiet" }, `and ${session.left} more entries, in tickets.db`),
    h("p", { class: `outcome ${outcome}` }, h("b", {}, `Session ${session.status}`), session.summary && `: ${session.summary}`));
}

function ticketPart(ticket) {
  const sessions = ticket.sessions.map(sessionPart);
  if (ticket.id === undefined) return h("div", { class: "ticket" }, h("p", {}, "Sessions on no ticket that is on record"), sessions);
  return h("div", { class: "ticket" },
    h("p", {}, h("b", {}, `Ticket ${ticket.id}`), ` · ${ticket.key} · `, h("b", {}, ticket.status),
      h("span", { class: "quiet" }, ` · seen ${plural(ticket.seen, "time", "times")}`)),
    h("p", { class: "said" }, ticket.message),
    sessions.length ? sessions : h("p", { class: "quiet" }, "The agent opened no session on it."),
    ticket.diagnosis && !ticket.sessions.some((s) => s.summary === ticket.diagnosis) && h("p", {}, h("b", {}, "Diagnosis: "), ticket.diagnosis));
}

const conversationPart = (tickets) => h("div", { class: "exhibit" },
  h("h4", {}, "Tickets, and what the agent did"), tickets.map(ticketPart));
