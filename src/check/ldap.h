/* type ldap: an anonymous BindRequest (RFC 4511), its BindResponse, and an UnbindRequest. A server that wants to
 * know who binds answers, and so passes. */
#ifndef LBHA_CHECK_LDAP_H
#define LBHA_CHECK_LDAP_H

struct dialogue;

extern const struct dialogue ldap_dialogue;

#endif
