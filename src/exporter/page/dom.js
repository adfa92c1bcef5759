// The document, changed as little as possible: what is said again is not written again. Text from the data goes in as
// text and nothing else.
import {SHAPES} from "./states.js";

const SVG = "http://www.w3.org/2000/svg";

export const by = id => document.getElementById(id);

export function element(tag, names = "", ...children) {
	const made = document.createElement(tag);
	if (names)
		made.className = names;
	made.append(...children);
	return made;
}

export function drawn(tag, attributes = {}, ...children) {
	const made = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(attributes))
		made.setAttribute(name, value);
	made.append(...children);
	return made;
}

export function say(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
	return node;
}

export function show(node, is_shown) {
	if (node.hidden === is_shown)
		node.hidden = !is_shown;
	return is_shown;
}

export function mark(node, name, value) {
	if (node.getAttribute(name) !== value)
		node.setAttribute(name, value);
}

// The nodes of `items`, by their keys; what is no longer wanted has left.
function nodesOf(parent, items, keyOf, make) {
	const known = parent.known ??= new Map(), next = new Map();

	for (const item of items) {
		let key = keyOf(item);
		while (next.has(key))
			key += "'";
		next.set(key, known.get(key) ?? make(item));
		known.delete(key);
	}
	for (const gone of known.values())
		gone.remove();
	return next;
}

// The children of `parent` become `items`, each known again by its key. make() gives a new one its nodes, fill(node, item)
// says what is so now. Only nodes that have changed their place are moved, which would take the focus from them.
export function list(parent, items, keyOf, make, fill) {
	const focused = document.activeElement, nodes = parent.known = nodesOf(parent, items, keyOf, make);
	let at = parent.firstElementChild, number = 0;

	for (const node of nodes.values()) {
		if (at && node === at.nextElementSibling) {
			at.remove();    // it comes further down
			at = node;
		}
		if (node === at)
			at = at.nextElementSibling;
		else
			parent.insertBefore(node, at);
		fill(node, items[number++]);
	}
	if (focused !== document.activeElement && parent.contains(focused))
		focused.focus({preventScroll: true});
}

// A state: its shape and its word.
export function state(look) {
	const made = element("span", "state", drawn("svg", {viewBox: "0 0 16 16", "aria-hidden": "true"}),
			     element("span", "word"));
	return setState(made, look);
}

export function setState(node, look) {
	if (node.dataset.shape !== look.shape) {
		node.dataset.shape = look.shape;
		node.firstChild.replaceChildren(...outline(SHAPES[look.shape]));
	}
	if (node.dataset.tone !== look.tone)
		node.dataset.tone = look.tone;
	say(node.lastChild, look.word);
	return node;
}

function outline(shape) {
	const drawn_of = [];
	if (shape.fill)
		drawn_of.push(drawn("path", {class: "fill", d: shape.fill}));
	if (shape.line)
		drawn_of.push(drawn("path", {class: shape.dashed ? "line dashed" : "line", d: shape.line}));
	if (shape.mark)
		drawn_of.push(drawn("path", {class: "mark", d: shape.mark}));
	return drawn_of;
}

// A box whose parts are found by their class. `parts`: [tag, classes] each.
export function box(tag, names, parts) {
	const made = element(tag, names);
	made.parts = {};
	for (const [inner, name] of parts) {
		const part = inner === "state" ? state({word: "", shape: "dots", tone: "idle"}) : element(inner);
		part.classList.add(...name.split(" "));
		made.parts[name.split(" ")[0]] = part;
		made.append(part);
	}
	return made;
}

// Something changed: it is seen for a moment.
export function flash(node) {
	node.classList.remove("changed");
	void node.offsetWidth;
	node.classList.add("changed");
}
