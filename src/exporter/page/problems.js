// What is not as it should be, in the words of `lbhactl status` (ctl/problems.c), and what led to it. Pure.
import {ago, clean, count} from "./words.js";

const RECENT = 60000;   // a drop is a problem that long

// Drops of what a peer may have meant (ctl/drops.c).
const MISMATCHES = {
	ttl: "TTL or hop limit too low", version: "another version of VRRP", checksum: "wrong checksum",
	transport: "unicast where multicast is wanted, or the reverse", own: "from our own address",
	source: "unicast from a router that is no peer", auth_type: "another kind of authentication", auth: "wrong password",
	interval: "another advert_interval",
};

function words(link, now) {
	const since = link.since ? ` for ${ago(link.since, now)}` : "";
	const reason = link.reason ? `: ${clean(link.reason, 240)}` : "";
	return `${clean(link.object)} ${clean(link.state)}${since}${reason}`;
}

// What led to the last link of a chain, the effect, and behind each what led to it: {text, depth}.
function steps(cause, now, to = (cause ?? []).length - 1, depth = 1) {
	return (cause ?? []).flatMap((link, at) => link.leads_to !== to || at >= to ? []
		: [{text: words(link, now), depth: Math.min(depth, 3)}, ...steps(cause, now, at, depth + 1)]);
}

function* inDaemon(status) {
	const reload = status.reload ?? {};
	const error = (reload.errors ?? []).find(line => !line.includes(": warning: ") && !/^\d+ errors?, \d+ warnings?/.test(line));

	if (!status.ready)
		yield "not ready yet: some worker has not taken up its work";
	if (status.maintenance)
		yield "in maintenance: nothing is claimed and nothing repaired";
	if (status.overrides_error)
		yield `the file of overrides: ${status.overrides_error}; what is said now holds only until lbhad ends`;
	if (reload.result === "refused")
		yield `the last reload was refused${error ? `: ${error}` : ""}`;
}

// The compiler lives for one load: it is the one worker that may be stopped.
function* inWorkers(workers) {
	for (const {name, state, restarts, reason} of workers ?? [])
		if (state !== "running" && name !== "compiler")
			yield `the ${name} worker does not run: ${state} after ${restarts} restarts${reason ? `; the last one ${reason}` : ""}`;
}

function* inKernel(status) {
	const ipvs = status.ipvs ?? {};

	if (!(status.services ?? []).length)
		return;
	if (!ipvs.available)
		yield "no IPVS in the kernel, or not seen yet: services carry no traffic";
	if (ipvs.error)
		yield `the kernel refuses: ${ipvs.error}`;
	if (ipvs.contested)
		yield `somebody else keeps undoing a repair: ${ipvs.contested}`;
	if (ipvs.sync?.error)
		yield `connections are not synchronised: ${ipvs.sync.error}`;
}

function mismatch(instance, now) {
	const recent = Object.keys(MISMATCHES).filter(reason => Date.parse(instance.dropped_at?.[reason] ?? "") >= now - RECENT);
	return recent.sort((a, b) => instance.dropped[b] - instance.dropped[a])[0];
}

function* inInstance(instance, now) {
	const {name, state} = instance, dropped = mismatch(instance, Date.parse(now));

	if (state !== "MASTER" && state !== "BACKUP")
		yield `instance ${name} is in ${state}: ${instance.reason}`;
	if (instance.competing_master)
		yield `instance ${name} has a competing master: ${instance.competitor_address} advertises ${instance.competitor_priority}`;
	if (instance.missing)
		yield `instance ${name} has not in place: ${instance.missing}`;
	if (instance.contested)
		yield `instance ${name} repairs in vain: ${instance.repair}`;
	if (dropped)
		yield `instance ${name} drops adverts from ${instance.dropped_from?.[dropped]}: ${MISMATCHES[dropped]} ` +
			`(${count(instance.dropped[dropped])} so far)` +
			(instance.no_peer_heard ? "; it has never heard another router: there may be two masters" : "");
	for (const one of instance.trackers ?? [])
		if (one.state === "down" && one.weight)
			yield `instance ${name}: ${one.name} is down (${one.effect < 0 ? "" : "+"}${one.effect}): ${one.reason}`;
}

// [{text, steps}], the daemon's own first.
export function problems(status) {
	const found = [...inDaemon(status), ...inWorkers(status.workers), ...inKernel(status)].map(text => ({text, steps: []}));

	for (const instance of status.vrrp ?? []) {
		const texts = [...inInstance(instance, status.time)];
		found.push(...texts.map((text, at) => ({text, steps: at ? [] : steps(instance.cause, status.time)})));
	}
	for (const service of status.services ?? [])
		if (service.state !== "up")
			found.push({text: `service ${service.name} is ${service.state}: ${service.reason}`, steps: steps(service.cause, status.time)});
	return found.map(one => ({...one, text: clean(one.text, 600)}));
}
