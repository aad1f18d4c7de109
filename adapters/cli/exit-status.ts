/** What a command ends with. */
export const EXIT_DONE = 0;
/** Refused, or it could not be done. */
export const EXIT_REFUSED = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
