// What is signed: who, when, which commit, and which gaps are accepted.

const field = (label, value) => h("label", {}, label, h("input", { type: "text", value, autocomplete: "off" }));

function showSignoff() {
  const gaps = requirements.map((r) => [r, r.criteria.filter((c) => c.status !== "passed")]).filter(([, open]) => open.length);
  append(by("signoff"), [
    h("h2", { id: "signoff-title" }, "Sign-off"),
    h("p", { class: "quiet" }, "Fill in and print, or print and fill in. Nothing you type here is stored or sent."),
    h("div", { class: "sheet" },
      h("p", { class: "what" }, h("b", {}, report.headline.sentence), `. ${report.headline.shownWith} Gate ${report.headline.gate}.`),
      h("div", { class: "fields" }, field("Name"), field("Role"), field("Date"), field("Commit", report.run.commit || ""), field("Signature")),
      h("h3", {}, "Accepted gaps"),
      gaps.length ? h("ul", { class: "accept" }, gaps.map(([r, open]) => h("li", {}, h("label", {},
        h("input", { type: "checkbox" }), " ", h("b", {}, r.id), ` ${r.title}: `,
        ORDER.map((status) => [status, open.filter((c) => c.status === status).map((c) => c.id.replace(r.id, ""))]).filter(([, ids]) => ids.length)
          .map(([status, ids]) => `${ids.join(" ")} ${status}`).join("; "))))) : h("p", {}, "There are none: every criterion is proven."),
      h("label", { class: "remarks" }, "Remarks", h("textarea", { rows: "3" }))),
    h("p", { class: "tools" }, h("button", { type: "button", id: "print", onclick: () => window.print() }, "Print or save as PDF")),
  ]);
}
