import type { CallCommand } from '../simulation/execute.ts';

/** What a test asks of a worker process; one JSON document per line. */
export type Job = { readonly jobId: number } & (
  | { readonly job: 'calls'; readonly inFlight: number; readonly calls: readonly CallCommand[] }
  | { readonly job: 'mix'; readonly seed: number; readonly loops: number; readonly seconds: number }
  | { readonly job: 'paced'; readonly sku: string; readonly perSecond: number; readonly seconds: number }
  | { readonly job: 'sweep' }
  | { readonly job: 'start-expiry' }
  | { readonly job: 'stop-expiry' }
);

/** What a call came to, as far as races are about it. */
export interface CallAnswer {
  readonly ok: boolean;
  /** The refusal's reason, or `INTERNAL` with the error; empty where `ok`. */
  readonly reason: string;
  /** Of the reservation answered, or the one a refusal names. */
  readonly trackingId: string;
  readonly state: string;
  readonly replayed: boolean;
}

export interface MixReport {
  readonly sent: number;
  /** Calls by what they came to: `reserve ok`, `release NO_STOCK` and so on. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Tracking ids of all reservations that were made. */
  readonly reserved: readonly string[];
  /** Tries of units that failed inside and were repeated. */
  readonly unitFailures: readonly string[];
}

export type JobAnswer =
  | { readonly jobId: number; readonly answers: readonly CallAnswer[] }
  | { readonly jobId: number; readonly mix: MixReport }
  | { readonly jobId: number; readonly latenciesMs: readonly number[] }
  | { readonly jobId: number; readonly done: true };

/** SKUs and warehouses of the mixed load. */
export const MIX_SKUS = Array.from({ length: 12 }, (_, at) => `MIX-${at}`);
export const MIX_WAREHOUSES = ['W1', 'W2'] as const;

export const MIX_LINES_MAX = 10;
