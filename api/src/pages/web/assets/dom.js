// Making elements. Texts become text nodes and nothing else, whatever they look like.

export const at = (id) => document.getElementById(id);

// make("a", { class: "name", href, on: { click } }, "a text", anElement)
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

// Icons say nothing that a text does not say as well.
export function icon(name) {
  const [svg, use] = [document.createElementNS(SVG, "svg"), document.createElementNS(SVG, "use")];
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `/assets/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

// A name that others gave: written in whatever direction, it disturbs nothing around it.
export const named = (name, attributes = {}) => make("bdi", attributes, name);

export const button = (text, run, { look = "", symbol = null, label = null } = {}) =>
  make(
    "button",
    { type: "button", class: look, "aria-label": label, title: label, on: { click: run } },
    ...(symbol ? [icon(symbol)] : []),
    ...(text ? [text] : []),
  );
