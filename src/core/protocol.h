/* Record types between the supervisor and its workers (facts use 1..63, see config/facts.h). Values are put and got
 * with base/cursor. */
#ifndef LBHA_CORE_PROTOCOL_H
#define LBHA_CORE_PROTOCOL_H

enum supervisor_record {
	/* worker → supervisor */
	RECORD_HELLO = 64,  /* text build id */
	RECORD_LINE,        /* text: plan line, refusal, or (compiler) diagnostic */
	RECORD_PREPARED,    /* u32 generation, bool accepted */
	RECORD_COMMITTED,   /* u32 generation */
	/* supervisor → worker */
	RECORD_LINK,        /* u8 role of the peer, with a descriptor */
	RECORD_PREPARE,     /* u32 generation, with the sealed slice */
	RECORD_COMMIT,      /* u32 generation */
	RECORD_FINISH,
	RECORD_ABORT,
	RECORD_APPLIED,     /* u32 generation */
	/* compiler ↔ supervisor */
	RECORD_COMPILE,     /* u32 generation, text node, text host, text path; with the main file */
	RECORD_INCLUDE,     /* compiler asks: text path of the including file, text pattern */
	RECORD_INCLUDED,    /* text path, with a descriptor; one per file in order */
	RECORD_INCLUDE_END, /* text error ("" when fine) */
	RECORD_FILE,        /* compiler asks for what a key names: u8 enum config_file, text path; answered by at
			     * most one INCLUDED, and INCLUDE_END */
	RECORD_SLICE,       /* u8 role, with the sealed memfd */
	RECORD_COMPILED,    /* bool accepted, u32 errors, u32 warnings */
	/* control → supervisor: commands; and the answers, by request number */
	RECORD_REQUEST,     /* u32 request, u8 enum request_kind, u32 uid, text path, text value, text comment,
			     * time timeout, u16 count, text object …; answered by RECORD_REPLY */
	/* check ↔ supervisor: scripts (check/run.h) */
	RECORD_RUN,         /* struct run_order, with the write end of a pipe for what it writes */
	RECORD_RUN_CANCEL,  /* u32 run: kill it, nobody wants to know; it is answered all the same */
	RECORD_RAN,         /* struct run_answer; one for each RUN */
	/* supervisor → worker: the list of overrides, before its first PREPARE and on each change */
	RECORD_OVERRIDE,    /* config/override.h: the next of the list */
	RECORD_OVERRIDES_END, /* u32 count: it is complete and takes the place of the one before */
	/* supervisor → vrrp: what an operator wants done now; and the answers, by order number */
	RECORD_ORDER,       /* u32 order, u8 enum order_kind, u16 count, text instance … (count 0: all) */
	RECORD_ORDER_TOLD,  /* u32 order, text instance, bool done, text what came of it */
	RECORD_ORDER_END,   /* u32 order */
	/* control → supervisor: several words of an operator, all of which hold or none */
	RECORD_SAY,         /* u32 request, bool holds (false: it is taken back), config/override.h (`by` and
			     * `since` are the supervisor's; of what is taken back only kind and object count) */
	RECORD_SAID,        /* u32 request, u32 uid, u32 count: so many RECORD_SAY of that request came before;
			     * answered as a RECORD_REQUEST */
	/* supervisor → check, before a PREPARE that needs it: u8 family, u32 errno (0: a raw ICMP socket comes with it) */
	RECORD_ECHO,
	/* worker → supervisor: u8 role of a peer to which there is no link (any more); it is linked anew if it lives */
	RECORD_UNLINKED,
	/* control → supervisor: an event for scripts (daemon/notice.h); and back: tell how all is, some of it was lost */
	RECORD_NOTIFY,
	RECORD_NOTIFY_AGAIN,
	/* supervisor → worker, when it has said HELLO and on each change: u8 the level that it logs at in place of the
	 * configured one (enum log_level; LOG_LEVELS: none) */
	RECORD_LOG,

	/* What a supervisor says to workers of an earlier release, and hears from them (daemon/upgrade): these numbers
	 * and their values never change. */
	RECORD_RELEASE = 1024, /* supervisor → worker: give everything up in good order */
	RECORD_RELEASED,    /* worker → supervisor: nothing is left; exits next */
	RECORD_LEAVE,       /* supervisor → worker: time; stop, and leave everything in the kernel to a successor, who
			     * is ready (0) or comes before that time of clock_now() */
	RECORD_CARRY,       /* worker → supervisor: has left, with its carry (base/carry.h) if it has one; exits next */
	RECORD_INHERIT,     /* supervisor → worker, before its first COMMIT: with its predecessor's carry */
	RECORD_REPLY_LINE,  /* supervisor → control, answers by request number: u32 request, text */
	RECORD_REPLY,       /* u32 request, bool done */
	RECORD_REPLY_OBJECT, /* u32 request, text object, bool done, text what came of it */
};

enum request_kind {
	REQUEST_RELOAD = 1,
	REQUEST_PLAN,       /* argument: path of the file, "" for the running one */
	REQUEST_STOP,
	REQUEST_RELEASE,    /* objects: instances, none = all */
	REQUEST_CLAIM,      /* the same */
	REQUEST_PRIORITY,   /* objects: instances; value: 1..254 or auto; comment, timeout */
	REQUEST_MAINTENANCE, /* value: on or off; comment, timeout */
	REQUEST_UPGRADE,    /* by the installed lbhad */
};

enum order_kind {
	ORDER_RELEASE = 1,  /* stand down */
	ORDER_CLAIM,
	ORDER_EVACUATE,     /* maintenance has begun: who is MASTER gives up, the others have nothing to do */
};

#endif
