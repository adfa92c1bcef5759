/* What the check worker may never ask of the kernel, whatever takes it over. It has no capability, but it
 * may hold raw ICMP sockets (check/echo_io.h): without their IP_HDRINCL those send nothing but ICMP, from
 * addresses of this machine. Nothing that it does needs another program either. */
#ifndef LBHA_CHECK_CONFINE_IO_H
#define LBHA_CHECK_CONFINE_IO_H

/* From here on, for ever and for all threads: raw and packet sockets, own IP headers, execve(2) and
 * io_uring (which goes around such filters) are refused with EPERM. -errno when the kernel has no
 * filters. */
int confine(void);

#endif
