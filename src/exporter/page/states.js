// What a state looks like: a word, a shape and a tone. Each can be told without the other two. Pure.

// Outlines in a square of 16: `fill` is filled, `line` is drawn.
export const SHAPES = {
	disc: {fill: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", mark: "M4.8 8.2l2.3 2.3l4.2-4.6"},
	ring: {line: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z"},
	dots: {fill: "M8 6.3a1.7 1.7 0 1 0 0 3.4a1.7 1.7 0 1 0 0-3.4z", line: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z", dashed: true},
	triangle: {fill: "M8 1.2l7.2 13.3h-14.4z", mark: "M8 6v4M8 11.6v1.2"},
	square: {fill: "M1.8 1.8h12.4v12.4h-12.4z", mark: "M5 5l6 6M11 5l-6 6"},
	diamond: {fill: "M8 .8l7.2 7.2l-7.2 7.2l-7.2-7.2z", mark: "M5 8h6"},
	octagon: {fill: "M5.2 1.2h5.6l4 4v5.6l-4 4h-5.6l-4-4v-5.6z", mark: "M8 4v5M8 11v1.4"},
	half: {fill: "M2.5 8a5.5 5.5 0 0 0 11 0z", line: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z"},
	slash: {line: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11zM4.2 11.8l7.6-7.6"},
};

const UNKNOWN = {shape: "dots", tone: "idle"};

const LOOKS = {
	MASTER: {shape: "disc", tone: "good"},
	BACKUP: {shape: "ring", tone: "calm"},
	FAULT: {shape: "square", tone: "bad"},
	INIT: UNKNOWN,
	up: {shape: "disc", tone: "good"},
	degraded: {shape: "triangle", tone: "warn"},
	panic: {shape: "octagon", tone: "bad"},
	sorry: {shape: "diamond", tone: "warn"},
	down: {shape: "square", tone: "bad"},
	drained: {shape: "half", tone: "calm"},
	leaving: {shape: "half", tone: "calm"},
	disabled: {shape: "slash", tone: "idle"},
	unknown: UNKNOWN,
	silent: {shape: "ring", tone: "idle"},
	well: {shape: "disc", tone: "good"},
	problem: {shape: "triangle", tone: "warn"},
	competing: {shape: "octagon", tone: "bad"},
	away: {shape: "dots", tone: "idle"},
};

export function look(word) {
	return {word, ...LOOKS[word] ?? UNKNOWN};
}

// What a server does for its service, in a word or two: what operators said goes before what checks say.
export function serverState(server) {
	const {health, admin} = server;

	if (admin === "disabled")
		return {...look("disabled"), rank: 3};
	if (health === "down")
		return {...look("down"), word: admin === "drained" ? "down, drained" : "down", rank: 0};
	if (admin === "drained")
		return {...look("drained"), rank: 2};
	if (health === "up")
		return {...look("up"), rank: 4};
	return {...look("unknown"), rank: 1};
}

const SERVICE_RANK = {down: 0, panic: 1, sorry: 2, degraded: 3};

export function serviceState(service) {
	return {...look(service.state), rank: SERVICE_RANK[service.state] ?? 4};
}

const INSTANCE_RANK = {FAULT: 0, INIT: 1, BACKUP: 3, MASTER: 4};

export function instanceState(instance) {
	const found = {...look(instance.state), rank: INSTANCE_RANK[instance.state] ?? 1};
	return instance.competing_master ? {...found, rank: 0} : found;
}
