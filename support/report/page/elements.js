"use strict";
// Building blocks: every text becomes a text node, so nothing in a report is ever taken for markup.

const report = JSON.parse(document.getElementById("data").textContent);

/** An element; `attributes` may hold listeners (onclick) and properties that are true or false. */
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false && child !== "") element.append(child);
  }
}

const by = (id) => document.getElementById(id);

/** A part of the page that is made when it is first opened. */
function opening(attributes, summary, body) {
  const details = h("details", attributes, summary);
  const make = () => {
    if (details.open && !details.made) {
      details.made = true;
      append(details, [body()]);
    }
  };
  details.addEventListener("toggle", make);
  details.makeBody = () => { details.open = true; make(); };
  if (details.open) make();
  return details;
}

/** A box of its own that can be scrolled with the keyboard, too. */
const scrolling = (label, attributes, ...children) =>
  h("div", { role: "region", "aria-label": label, tabindex: "0", ...attributes }, ...children);
