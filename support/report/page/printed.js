// What the processes printed around the failure, all streams in the order of time, with a search.

function printedPart(lines, moment) {
  const rows = [];
  const body = h("tbody", {});
  let marked = moment === null;
  for (const [at, stream, text] of lines) {
    if (!marked && at > moment) {
      marked = true;
      body.append(h("tr", { class: "here" }, h("td", { colspan: "3" }, `${signed(moment)} the sentence failed here`)));
    }
    const row = h("tr", {}, h("td", { class: "time" }, signed(at)), h("td", { class: "stream" }, stream), h("td", {}, h("code", {}, text)));
    rows.push([row, `${stream} ${text}`.toLowerCase()]);
    body.append(row);
  }
  const count = h("span", { role: "status", class: "quiet" }, plural(rows.length, "line", "lines"));
  const search = (event) => {
    const word = event.target.value.toLowerCase();
    let found = 0;
    for (const [row, text] of rows) {
      row.hidden = !text.includes(word);
      found += row.hidden ? 0 : 1;
    }
    count.textContent = plural(found, "line", "lines");
  };
  const box = scrolling("Output around the failure", { class: "printed" }, h("table", {},
    h("caption", { class: "unseen" }, "Lines in seconds since the scenario began"),
    h("thead", { class: "unseen" }, h("tr", {}, ["Time", "Stream", "Line"].map((name) => h("th", { scope: "col" }, name)))), body));
  return h("div", { class: "exhibit" }, h("h4", {}, "Output around the failure"),
    h("p", { class: "tools" }, h("label", {}, "Search ", h("input", { type: "search", oninput: search })), " ", count), box);
}
