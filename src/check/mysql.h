/* type mysql: the handshake of protocol 10 (MySQL, MariaDB), a login with an empty password and COM_QUIT. Who
 * leaves within the handshake is counted against its host, and the host blocked after max_connect_errors of
 * these; a login that is refused is not. So without `user` the check tries the empty name, and being refused
 * passes. */
#ifndef LBHA_CHECK_MYSQL_H
#define LBHA_CHECK_MYSQL_H

struct dialogue;

extern const struct dialogue mysql_dialogue;

#endif
