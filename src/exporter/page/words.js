// Numbers, times and names as words. Pure.

// What would steer the text around it: controls, and marks that turn the direction of writing.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const LONGEST = 80;

// Any text from the data, as it may stand in a sentence: on one line, and no longer than it can be read.
export function clean(text, longest = LONGEST) {
	const points = String(text ?? "").slice(0, 4 * longest).replace(STEERING, "\ufffd");
	const letters = Array.from(points);
	return letters.length > longest ? letters.slice(0, longest - 1).join("") + "…" : points;
}

export function count(number) {
	return Math.round(number || 0).toLocaleString("en").replaceAll(",", "\u202f");
}

export function plural(number, one, many = one + "s") {
	return `${count(number)} ${number === 1 ? one : many}`;
}

// Three digits that count, whatever the size; null is not known.
function digits(number) {
	return number < 9.95 ? number.toFixed(1) : count(number);
}

export function perSecond(rate) {
	return rate === null ? "–/s" : `${rate ? digits(rate) : "0"}/s`;
}

export function bytesPerSecond(rate) {
	const units = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];
	let unit = 0, value = rate;

	if (rate === null)
		return "– B/s";
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${unit && value ? digits(value) : count(value)} ${units[unit]}`;
}

// How long from one moment to another, in two units at most.
export function span(ms) {
	const steps = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
	const seconds = Math.max(0, Math.floor(ms / 1000));
	const at = steps.findIndex(([, size]) => seconds >= size);

	if (at < 0)
		return "0 s";
	const [unit, size] = steps[at], next = steps[at + 1];
	const rest = next && at < 2 ? Math.floor(seconds % size / next[1]) : 0;
	return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${next[0]}` : ""}`;
}

export function ago(time, now) {
	const from = Date.parse(time ?? "");
	return Number.isNaN(from) ? "" : span(Date.parse(now) - from);
}

export function clock(moment) {
	const two = number => String(number).padStart(2, "0");
	return [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(two).join(":");
}

// The clock of an event; with its day when that is not today.
export function moment(time) {
	const at = new Date(time), today = new Date();
	if (Number.isNaN(at.getTime()))
		return "";
	return at.toDateString() === today.toDateString() ? clock(at)
		: `${at.toLocaleDateString("en", {day: "numeric", month: "short"})} ${clock(at)}`;
}

// Whether a name says no more than the address: who has no name has the address for one.
export function isAddress(name, address) {
	const bare = address.startsWith("[") ? address.slice(1) : address;
	return bare.startsWith(name) && ["", ":", "]"].includes(bare.charAt(name.length)) || name === address;
}
