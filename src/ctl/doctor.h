/* `lbhactl doctor`. */
#ifndef LBHA_CTL_DOCTOR_H
#define LBHA_CTL_DOCTOR_H

struct run;

/* Looks, judges and prints; an exit status. */
int run_doctor(struct run *run);

#endif
