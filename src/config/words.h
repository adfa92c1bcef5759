/* What lbha.conf calls the values of some of its words, for whoever writes them down elsewhere. */
#ifndef LBHA_CONFIG_WORDS_H
#define LBHA_CONFIG_WORDS_H

#include "config/model.h"

/* "dr"; "" for what is none. */
const char *forwarding_word(enum forwarding forwarding);

/* "tcp", of the first one where several are meant; "" for none. */
const char *protocol_word(uint32_t protocols);

#endif
