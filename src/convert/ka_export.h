/* The configuration in force on a node as keepalived.conf. What keepalived cannot do, or not so, stands as
 * a comment that begins with KA_EXPORT_WARNING at its place. */
#ifndef LBHA_CONVERT_KA_EXPORT_H
#define LBHA_CONVERT_KA_EXPORT_H

#define KA_EXPORT_WARNING "# WARNING "

struct model;

/* Line by line, without their ends. The model's secrets are not in it, and so not in the text. */
void ka_export(const struct model *model, void (*line)(void *ctx, const char *text), void *ctx);

#endif
