/** Lets Ctrl-C and SIGTERM end a command that would go on for ever, with exit status 0. */
export function stopOnSignals(interruption: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
}
