/** One listening door. */
export interface Door {
  readonly port: number;
  /**
   * Takes no new connection, lets running calls finish for at most `graceMs`, then ends what is left.
   * Call it after the pipeline has begun to drain.
   */
  stop(graceMs: number): Promise<void>;
}

/** The largest block of request headers, in bytes. */
export const HEADER_LIST_MAX_BYTES = 16_384;

/** Calls one HTTP/2 connection may have open at a time. */
export const CONCURRENT_CALLS_MAX = 100;

/** How long a connection without any call or traffic stays, in milliseconds. */
export const IDLE_CONNECTION_MS = 60_000;
