#!/bin/sh
# A notify script for lbhad: what keepalived's notify_master, notify_backup and notify_fault do, in one place.
#
#   vrrp:
#     - {name: public, …, notify: /etc/lbha/notify.sh}
#
# It is told of one event in variables and, as JSON, on standard input; lbha.conf(5), NOTIFY SCRIPTS, has all of them. It runs
# as lbha-script (for more: notify: {script: /etc/lbha/notify.sh, user: root}), must belong to root or that user, and be
# writable by nobody else. What it writes goes to lbhad's log.

case $LBHA_EVENT in
vrrp_state)
	# LBHA_TOLD: the state that this script heard last, empty the first time (a start is told, too)
	case $LBHA_NEW in
	MASTER) echo "$LBHA_OBJECT is MASTER here: $LBHA_REASON" ;;
	BACKUP) echo "$LBHA_OBJECT is BACKUP here, the master is ${LBHA_MASTER_ADDRESS:-unknown}" ;;
	FAULT) echo "$LBHA_OBJECT cannot be MASTER here: $LBHA_REASON" ;;
	INIT) echo "$LBHA_OBJECT has ended here" ;;
	esac
	;;
service_state)
	case $LBHA_NEW in
	up) echo "$LBHA_OBJECT is up" ;;
	*) echo "$LBHA_OBJECT is $LBHA_NEW: $LBHA_REASON" ;;
	esac
	;;
server_state)
	echo "$LBHA_OBJECT is $LBHA_NEW: $LBHA_REASON"
	;;
esac
