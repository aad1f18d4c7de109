/** A promise about all audit events up to an instant: none of them can be removed or changed without another root. */
export interface Checkpoint {
  /** Events it covers, from the first one on. */
  readonly size: number;
  /** The root of the Merkle tree over them, 32 bytes. */
  readonly root: Uint8Array;
  /** Every event committed before this instant is covered; milliseconds since the Unix epoch. */
  readonly coveredUntil: number;
  /** When it was made, by the database's clock. */
  readonly createdAt: number;
}

/** The right to make checkpoints. */
export interface CheckpointLease {
  /**
   * Covers the next events, at most a batch of them, by a new checkpoint.
   * @returns null where nothing is to be covered yet
   */
  extend(): Promise<{ readonly checkpoint: Checkpoint; readonly isMore: boolean } | null>;
  release(): Promise<void>;
}

export interface Checkpoints {
  /** Null while another process has the lease. */
  lead(): Promise<CheckpointLease | null>;
}
